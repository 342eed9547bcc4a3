import sys

print("x")
try:
    print("a lone surrogate", "\ud800")
finally:
    try:
        sys.stdout.write(5)
    except TypeError as error:
        raise RuntimeError("of the second") from error
