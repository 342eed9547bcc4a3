# inside: "script.py False\n"
import os

print(__file__[-9:], os.path.isabs(__file__))
