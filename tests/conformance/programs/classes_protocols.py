class Vector:
    def __init__(self, *parts):
        self.parts = parts

    def __add__(self, other):
        return Vector(*(a + b for a, b in zip(self.parts, other.parts))) if isinstance(other, Vector) else NotImplemented

    def __rmul__(self, factor):
        return Vector(*(factor * part for part in self.parts))

    def __getitem__(self, index):
        return self.parts[index]

    def __len__(self):
        return len(self.parts)

    def __bool__(self):
        return any(self.parts)

    def __call__(self, *more):
        return Vector(*self.parts, *more)

    def __repr__(self):
        return f"Vector{self.parts}"


a = Vector(1, 2)
print(a + a, 3 * a, list(a), 2 in a, bool(Vector(0)), a(3)[::-1], len(a))
try:
    a + 1
except TypeError as error:
    print(error)
