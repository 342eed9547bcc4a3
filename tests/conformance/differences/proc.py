# only: ["process"]
# inside: "False False\n"
import os

print(os.path.exists("/proc/self/status"), os.path.exists("/sys"))
