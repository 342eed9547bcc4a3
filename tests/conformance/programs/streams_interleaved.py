import sys

for n in range(3):
    print("out", n)
    print("err", n, file=sys.stderr)
sys.stdout.write("no newline")
sys.stderr.write("nor here")
