try:
    import surely_faster_json as json
except ImportError:
    import json
try:
    import tomllib
except ModuleNotFoundError:
    tomllib = None
try:
    from surely.missing import name
except ImportError as error:
    name = type(error).__name__
try:
    from math import no_such_name
except ImportError as error:
    print(str(error).split("(")[0])
print(json.dumps([1]), tomllib is not None, name)
