# argv: ["add", "--times", "3", "-v", "-v", "x", "y"]
import argparse

parser = argparse.ArgumentParser(prog="tool", description="A tool.")
parser.add_argument("--version", action="version", version="1.0")
commands = parser.add_subparsers(dest="command", required=True)
add = commands.add_parser("add")
add.add_argument("names", nargs="+")
add.add_argument("--times", type=int, default=1)
add.add_argument("-v", action="count", default=0)
args = parser.parse_args()
print(args.command, args.names * args.times, args.v)
print(sorted(vars(args).items()))
