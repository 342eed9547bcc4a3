import os
import platform
import sys
import sysconfig

print(platform.system(), platform.python_implementation(), platform.machine() == os.uname().machine, os.name, sys.platform)
print(platform.python_version_tuple()[:2] == tuple(map(str, sys.version_info[:2])), os.sep, os.linesep == "\n")
print(sysconfig.get_path("stdlib") == os.path.dirname(os.__file__), os.cpu_count() >= 1, os.getpid() > 0, os.umask(0o22) >= 0)
