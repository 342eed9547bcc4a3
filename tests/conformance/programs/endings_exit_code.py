import sys

print("leaving")
print("with a reason", file=sys.stderr)
sys.exit(3)
