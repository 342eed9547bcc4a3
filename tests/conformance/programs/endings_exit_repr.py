print(exit, quit, sep="\n")
print(type(copyright).__name__, type(help).__name__)
