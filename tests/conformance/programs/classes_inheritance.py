from abc import ABC, abstractmethod


class Shape(ABC):
    @property
    @abstractmethod
    def area(self): ...

    def __lt__(self, other):
        return self.area < other.area


class Square(Shape):
    def __init__(self, side, **rest):
        super().__init__(**rest)
        self.side = side

    @property
    def area(self):
        return self.side**2


class Named:
    def __init__(self, name="?", **rest):
        super().__init__(**rest)
        self.name = name


class NamedSquare(Square, Named):
    pass


print([cls.__name__ for cls in NamedSquare.__mro__], NamedSquare(3, name="n").name, min(Square(3), Square(2)).area)
try:
    Shape()
except TypeError as error:
    print(error)
try:
    type("Bad", (object, Shape), {})
except TypeError as error:
    print(str(error).splitlines()[0])
