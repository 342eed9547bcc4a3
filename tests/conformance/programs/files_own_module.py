# files: {"helpers.py": "VALUE = 7\ndef double(x):\n    return x * 2\n", "pkg/__init__.py": "from .part import name\n", "pkg/part.py": "name = __name__\n"}
import importlib
import sys

import helpers
import pkg

print(helpers.double(helpers.VALUE), pkg.name, helpers.__name__, "pkg.part" in sys.modules)
with open("late.py", "w") as file:
    file.write("print('imported late')\nX = 1\n")
importlib.invalidate_caches()
import late

with open("late.py", "w") as file:
    file.write("print('again')\nX = 22222\n")
print(importlib.reload(late).X)
try:
    import surely_not_there
except ModuleNotFoundError as error:
    print(error, error.name)
