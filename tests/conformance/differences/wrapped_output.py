# inside: "text\r\nbytes\n"
import io
import sys

sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\r\n")
print("text")
sys.stdout.buffer.write(b"bytes\n")
