import fcntl
import os

with open("lock", "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.flock(file, fcntl.LOCK_UN)
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.lockf(file.fileno(), os.F_ULOCK, 0)
    print("locked and unlocked")
