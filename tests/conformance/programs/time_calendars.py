import calendar
import time

print(calendar.month(2024, 2))
print(calendar.monthrange(2023, 2), calendar.isleap(1900), list(calendar.Calendar(6).itermonthdays(2024, 9))[:8])
print(calendar.TextCalendar().formatweekheader(3), calendar.day_name[0], calendar.timegm((2024, 1, 1, 0, 0, 0)))
print(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(86400)), time.strptime("12:30", "%H:%M")[3:5], time.asctime(time.gmtime(0)))
