import time

start = time.monotonic()
time.sleep(0.02)
passed = time.monotonic() - start
print(0.02 <= passed < 2, time.time() > 1.7e9, time.process_time() >= 0, time.perf_counter_ns() > 0)
print(time.get_clock_info("monotonic").monotonic, time.tzname, time.timezone, time.localtime(0)[:5], time.mktime((1970, 1, 2, 0, 0, 0, 0, 0, 0)))
print(time.clock_gettime(time.CLOCK_REALTIME) - time.time() < 1, time.thread_time() >= 0)
