from dataclasses import dataclass


@dataclass
class Circle:
    radius: float


def describe(value):
    match value:
        case {"type": "point", "at": [x, y], **rest}:
            return f"point {x},{y} {rest}"
        case Circle(radius=r) if r > 10:
            return "big circle"
        case Circle(r):
            return f"circle {r}"
        case [first, *others]:
            return f"list of {first!r} and {len(others)}"
        case str() | bytes() as text:
            return f"text {text!r}"
        case None | True:
            return "constant"
        case _:
            return "other"


for value in ({"type": "point", "at": (1, 2), "z": 3}, Circle(3), Circle(11), [1, 2], "s", b"b", None, 4.5):
    print(describe(value))
