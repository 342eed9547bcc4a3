import sys


def main(argv):
    if not argv:
        print("usage: main NAME", file=sys.stderr)
        return 64
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
