# policy: processes
import os

pid = os.fork()
if pid:
    os.waitpid(pid, 0)
print("child" if pid == 0 else "parent")
