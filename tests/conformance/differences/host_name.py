# inside: "poet\n"
import os

print(os.uname().nodename)
