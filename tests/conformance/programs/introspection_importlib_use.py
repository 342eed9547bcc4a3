import importlib
import importlib.util
import pkgutil
import sys

json = importlib.import_module("json")
print(json.__name__, importlib.util.find_spec("surely_missing"), importlib.util.find_spec("json.decoder").name)
print(sorted(module.name for module in pkgutil.iter_modules(json.__path__)), sys.modules["json"] is json)
print(sys.version_info[:2] >= (3, 11), sys.implementation.name, sys.byteorder, sys.maxsize, sys.flags.optimize)
print("math" in sys.stdlib_module_names, sys.getsizeof([]) > 0, sys.getrefcount(object()) > 0, sys.is_finalizing())
