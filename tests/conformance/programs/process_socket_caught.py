import socket
import urllib.error
import urllib.request

try:
    socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError as error:
    print("no connection", isinstance(error, OSError))
try:
    urllib.request.urlopen("http://127.0.0.1:9/", timeout=1)
except urllib.error.URLError as error:
    print("URLError", isinstance(error.reason, OSError))
print(socket.inet_aton("127.0.0.1"), socket.htons(1), socket.AF_INET.name)
