# policy: processes
import atexit
import inspect
import logging
import os
import sys
import threading
import traceback
import warnings


def depth(where):
    print(where, len(inspect.stack()), [frame.name for frame in traceback.extract_stack()])


def caller():
    return sys._getframe(1)


def hook(kind, error, trace):
    depth("hook")
    print(error.__traceback__.tb_frame.f_back, caller().f_back)
    raise LookupError("of the hook")


def ending():
    depth("ending")
    raise OSError("of the ending")


depth("module")
print(sys._getframe().f_back, caller().f_back)
try:
    sys._getframe(1)
except ValueError as error:
    print(error)
warnings.warn("from outside of the module", stacklevel=2)
logging.basicConfig(format="%(filename)s %(lineno)d %(funcName)s %(message)s")
logging.warning("said", stacklevel=1)
logging.warning("said", stacklevel=7, stack_info=True)
thread = threading.Thread(target=depth, args=["thread"])
thread.start()
thread.join()
sys.stdout.flush()
if child := os.fork():
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    depth("child")
    sys.exit(3)
atexit.register(ending)
sys.excepthook = hook
raise KeyError("uncaught")
