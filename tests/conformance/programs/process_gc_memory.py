import gc
import sys
import tracemalloc

tracemalloc.start()
data = [bytes(1000) for _ in range(100)]
current, peak = tracemalloc.get_traced_memory()
tracemalloc.stop()
print(current > 100_000, peak >= current, gc.isenabled(), len(gc.get_threshold()), sys.getallocatedblocks() > 0)
gc.freeze()
gc.unfreeze()
print(gc.collect() >= 0, gc.garbage)
