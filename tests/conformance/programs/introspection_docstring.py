"""Summary of the program.

More of it.
"""

print(__doc__.splitlines()[0], __annotations__ if "__annotations__" in globals() else "none")
x: int = 3
print(__annotations__)
