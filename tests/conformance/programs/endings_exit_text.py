import sys

print("work")
sys.exit("fatal: no input")
