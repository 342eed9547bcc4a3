# inside: "not found\n"
try:
    import pytest

    print("found")
except ModuleNotFoundError:
    print("not found")
