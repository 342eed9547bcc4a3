import os
import signal
import socket

a, b = socket.socketpair()
for end in (a, b):
    end.setblocking(False)
signal.set_wakeup_fd(a.fileno())
signal.signal(signal.SIGUSR2, lambda *_: print("handled"))
signal.raise_signal(signal.SIGUSR2)
print(b.recv(1) == bytes([signal.SIGUSR2]))
try:
    signal.signal(signal.SIGKILL, lambda *_: None)
except OSError as error:
    print(error)
