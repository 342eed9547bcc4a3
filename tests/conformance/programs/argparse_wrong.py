# argv: ["--count", "many"]
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--count", type=int)
print("before")
parser.parse_args()
print("never")
