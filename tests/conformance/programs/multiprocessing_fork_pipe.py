# policy: processes
import os

read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(read)
    os.write(write, b"from the child")
    os._exit(0)
os.close(write)
print(os.read(read, 100), os.read(read, 100))
print(os.waitpid(pid, 0)[1], os.getpid() != pid)
