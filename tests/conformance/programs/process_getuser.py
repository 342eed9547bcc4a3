import getpass
import os
import pathlib

print(isinstance(getpass.getuser(), str), len(getpass.getuser()) > 0)
print(pathlib.Path.home().is_absolute(), os.path.expanduser("~").startswith("/"))
