import sys

print("before")
sys.stderr.close()
try:
    print("x", file=sys.stderr)
except ValueError as error:
    print(error)
sys.stdin.close()
try:
    input()
except ValueError as error:
    print(error)
