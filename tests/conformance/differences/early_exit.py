# status: "no_result"
# inside: "said\n"
import os

os.write(1, b"said\n")
os._exit(0)
