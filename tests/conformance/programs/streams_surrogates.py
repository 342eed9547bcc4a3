import sys

print(ascii("\udcff"))
try:
    print("\ud800")
except UnicodeEncodeError as error:
    print(error)
print("\udcff", file=sys.stderr)
print("tab\tbell\a nul\0 escape\x1b[0m")
