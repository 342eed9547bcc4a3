import sys

for n in range(3000):
    print(f"{n:05d} " + "x" * 40)
    if n % 1000 == 0:
        print("progress", n, file=sys.stderr)
