import sys

print("x")
sys.stdout.flush()
sys.stdout.buffer.raw.close()
print("y")
