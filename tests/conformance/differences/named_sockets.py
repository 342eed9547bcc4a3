# inside: "refused\n"
import socket

try:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("here")
    listener.listen()
    print("listens")
except PermissionError:
    print("refused")
