# argv: ["--name", "Zoë", "a b", "", "*", "-"]
import sys

print(len(sys.argv), sys.argv[1:], sys.orig_argv[-1] == "-")
print(sys.argv[0].endswith("script.py"))
