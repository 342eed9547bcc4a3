import errno
import os

FORGIVEN = (errno.EOPNOTSUPP, errno.EPERM, errno.ENODATA)
open("a.txt", "w").close()
for probe in (lambda: os.listxattr("a.txt"), lambda: os.getxattr("a.txt", "user.none")):
    try:
        probe()
        print("forgiven")
    except OSError as error:
        print("forgiven" if error.errno in FORGIVEN else error)
