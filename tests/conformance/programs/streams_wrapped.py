# stdin: "ä 1\nö 2\n"
import io
import sys

sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\r\n")
sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
for line in sys.stdin:
    print(line.split())
sys.stdout.flush()
sys.stdout.buffer.write(b"raw bytes\n")
