# inside: "1\n"
import sys

print(sys.flags.ignore_environment)
