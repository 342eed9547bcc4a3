import os
import pwd

entry = pwd.getpwuid(os.getuid())
print(entry.pw_uid == os.getuid(), entry.pw_name != "", os.getgid() >= 0, len(os.getgroups()) >= 0)
