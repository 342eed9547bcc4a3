# inside: "refused\n"
import socket

try:
    listener = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(listener.getsockname()).close()
    print("connected")
except OSError:
    print("refused")
