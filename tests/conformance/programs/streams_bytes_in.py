# stdin: "some text\n"
import sys

data = sys.stdin.buffer.read()
sys.stdout.buffer.write(data[::-1])
sys.stdout.flush()
print(sys.stdin.buffer.read(), sys.stdin.isatty(), sys.stdout.isatty(), sys.stdin.fileno(), sys.stdout.fileno())
print(sys.stdin.name, sys.stdout.name, sys.stdin.mode, sys.stdout.mode, sys.stdout.writable(), sys.stdin.encoding)
