import os
import signal

print(signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN)
read, write = os.pipe()
os.close(read)
try:
    os.write(write, b"x")
except BrokenPipeError as error:
    print(error)
print(signal.strsignal(signal.SIGSEGV), signal.Signals(9).name, signal.SIGCHLD in signal.valid_signals())
