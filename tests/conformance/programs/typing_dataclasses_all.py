from dataclasses import FrozenInstanceError, asdict, astuple, dataclass, field, fields, replace


@dataclass(order=True)
class Item:
    price: float
    name: str = field(compare=False, default="?")
    tags: list[str] = field(default_factory=list, compare=False, repr=False)

    def __post_init__(self):
        self.price = round(self.price, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0


a, b = Item(2.345, "pen"), Item(1.5)
a.tags.append("new")
print(a, sorted([a, b]), asdict(a), astuple(b), [f.name for f in fields(Item)], replace(a, name="x"))
print(Point(x=1), hash(Point(x=1)) == hash(Point(x=1)), Point(x=1) == Point(x=1, y=0))
for bad in (lambda: setattr(Point(x=1), "x", 2), lambda: Point(1), lambda: Item()):
    try:
        bad()
    except (FrozenInstanceError, TypeError) as error:
        print(type(error).__name__, error)
