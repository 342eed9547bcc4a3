import plistlib
import tomllib

data = {"name": "x", "list": [1, 2.5, True], "data": b"\0\1"}
print(plistlib.loads(plistlib.dumps(data)) == data)
print(tomllib.loads('title = "t"\n[owner]\ndob = 1979-05-27T07:32:00Z\nn = [1, [2]]\n[[items]]\na = 1\n[[items]]\na = 0x1F\n'))
try:
    tomllib.loads("a = = 1")
except tomllib.TOMLDecodeError as error:
    print(error)
