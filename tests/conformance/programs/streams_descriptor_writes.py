import os
import sys

print("first")
sys.stdout.flush()
os.write(1, b"second\n")
saved = os.dup(1)
with open("captured.txt", "w") as file:
    os.dup2(file.fileno(), 1)
    print("into the file")
    sys.stdout.flush()
    os.dup2(saved, 1)
print("third", open("captured.txt").read())
with open(saved, "w", closefd=True) as again:
    again.write("fourth\n")
print("fifth", file=os.fdopen(os.dup(2), "w"))
