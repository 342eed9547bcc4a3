# inside: "True\n"
import os

print(os.getppid() <= 1)
