class Positive:
    def __set_name__(self, owner, name):
        self.name = f"_{name}"

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name)

    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{self.name[1:]} must be positive, not {value}")
        setattr(instance, self.name, value)


class Box:
    width = Positive()

    def __init__(self, width):
        self.width = width

    @property
    def area(self):
        return self.width**2

    @area.setter
    def area(self, value):
        self.width = int(value**0.5)

    @classmethod
    def unit(cls):
        return cls(1)

    @staticmethod
    def sides():
        return 4


box = Box.unit()
box.area = 49
print(box.width, box.area, Box.sides(), vars(box), type(Box.width).__name__)
for bad in (lambda: Box(-1), lambda: setattr(Box, "x", 1) or delattr(box, "area")):
    try:
        bad()
    except (ValueError, AttributeError) as error:
        print(type(error).__name__, error)
