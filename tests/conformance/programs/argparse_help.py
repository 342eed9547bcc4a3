# argv: ["--help"]
import argparse

parser = argparse.ArgumentParser(description="Convert files.", epilog="See the manual.")
parser.add_argument("source", help="what to read")
parser.add_argument("-o", "--output", metavar="FILE", default="out", help="where to write (default: %(default)s)")
parser.add_argument("--mode", choices=["fast", "slow"])
parser.parse_args()
