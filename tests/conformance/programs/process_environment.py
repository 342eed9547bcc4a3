import os

os.environ["MY_SETTING"] = "wert ü"
print(os.getenv("MY_SETTING"), os.environ.get("SURELY_UNSET", "default"), "MY_SETTING" in os.environ)
del os.environ["MY_SETTING"]
print(os.getenv("MY_SETTING"), os.path.expandvars("$SURELY_UNSET/x"))
try:
    os.environ["SURELY_UNSET"]
except KeyError as error:
    print("KeyError", error)
try:
    os.environ["N"] = 1
except TypeError as error:
    print(error)
