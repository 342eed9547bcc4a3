import os
import stat
import threading


def write():
    with open("pipe", "w") as pipe:
        print("first", "second", sep="\n", file=pipe)


os.umask(0o022)
os.mkfifo("pipe")
print(stat.filemode(os.stat("pipe").st_mode))
thread = threading.Thread(target=write)
thread.start()
with open("pipe") as pipe:
    print(pipe.readlines())
thread.join()
try:
    os.mkfifo("pipe")
except FileExistsError as error:
    print(error)
os.unlink("pipe")
