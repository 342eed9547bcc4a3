# status: "violation"
# inside: "before\n"
import os
import sys

print("before", flush=True)
os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
