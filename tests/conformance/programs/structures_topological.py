from graphlib import CycleError, TopologicalSorter

tasks = {"deploy": {"test", "build"}, "test": {"build"}, "build": {"fetch"}, "fetch": set()}
print(list(TopologicalSorter(tasks).static_order()))
try:
    TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
except CycleError as error:
    print(error.args[0], len(error.args[1]))
