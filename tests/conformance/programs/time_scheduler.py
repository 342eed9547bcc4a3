import sched
import time
import timeit

said = []
scheduler = sched.scheduler(time.monotonic, time.sleep)
for delay, word in ((0.02, "second"), (0.01, "first"), (0.03, "never")):
    event = scheduler.enter(delay, 1, said.append, (word,))
scheduler.cancel(event)
scheduler.run()
print(said, scheduler.empty(), timeit.timeit("x = 1 + 1", number=10) >= 0)
print(timeit.repeat(lambda: None, number=1, repeat=2)[0] >= 0)
