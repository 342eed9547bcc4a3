from datetime import date, datetime, timedelta, timezone

moment = datetime(2024, 2, 28, 23, 59, 58, 123456, tzinfo=timezone.utc)
print(moment + timedelta(days=1, seconds=2), moment.isoformat(timespec="milliseconds"), moment.strftime("%A %d %B %Y %j %U"))
print(datetime.fromisoformat("2024-03-01T10:00:00+02:00").astimezone(timezone.utc), date(2024, 12, 31).isocalendar())
print(datetime.strptime("3 Mar 21", "%d %b %y"), (date(2025, 1, 1) - date(2024, 1, 1)).days, timedelta(hours=-5))
print(moment.timestamp(), datetime.fromtimestamp(0, timezone.utc), divmod(timedelta(minutes=95), timedelta(hours=1)))
for bad in (lambda: date(2023, 2, 29), lambda: datetime.strptime("x", "%Y"), lambda: datetime.now() < moment):
    try:
        bad()
    except (ValueError, TypeError) as error:
        print(error)
