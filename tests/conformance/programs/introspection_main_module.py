import __main__
import sys

print(__name__, __main__.__name__, sys.modules["__main__"] is __main__, __doc__, __package__)
print(sorted(name for name in vars(__main__) if name.startswith("__")))
print(globals() is vars(__main__), "sys" in dir())
