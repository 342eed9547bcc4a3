import os
import time

os.environ["TZ"] = "EST5EDT,M3.2.0,M11.1.0"
time.tzset()
print(time.tzname, time.timezone, time.localtime(1_720_000_000).tm_hour, time.strftime("%Z", time.localtime(1_700_000_000)))
os.environ["TZ"] = "UTC"
time.tzset()
print(time.tzname, time.localtime(1_720_000_000).tm_hour)
