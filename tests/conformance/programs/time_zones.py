from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

rome = ZoneInfo("Europe/Rome")
before = datetime(2024, 3, 31, 1, 30, tzinfo=rome)
after = (before.astimezone(ZoneInfo("UTC")) + timedelta(hours=1)).astimezone(rome)
print(before, after, after.tzname(), after.dst(), datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=rome).utcoffset())
print(before.astimezone(ZoneInfo("America/New_York")).strftime("%c %Z %z"))
try:
    ZoneInfo("Mars/Olympus")
except ZoneInfoNotFoundError as error:
    print(error)
