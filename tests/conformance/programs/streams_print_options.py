import sys

print(1, 2, sep="-", end="!\n")
print(*"abc", sep="\n")
print()
print("flushed", flush=True, file=sys.stdout)
print(None, True, [], sep=", ")
for bad in ({"sep": 1}, {"file": 3}, {"other": 1}):
    try:
        print("x", **bad)
    except (TypeError, AttributeError) as error:
        print(error)
sys.stdout.writelines(["a", "b", "\n"])
print(sys.stdout.write("abc\n"))
