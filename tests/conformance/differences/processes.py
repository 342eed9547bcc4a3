# inside: "refused: BlockingIOError\n"
import os

try:
    pid = os.fork()
except OSError as error:
    print("refused:", type(error).__name__)
else:
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    print("forked")
