from enum import Enum, Flag, IntEnum, StrEnum, auto, unique


class Color(Enum):
    RED = 1
    GREEN = auto()
    CRIMSON = 1

    @property
    def label(self):
        return self.name.title()


class Access(Flag):
    READ = auto()
    WRITE = auto()


class Level(IntEnum):
    LOW = 1
    HIGH = 5


class Kind(StrEnum):
    FILE = auto()


print(list(Color), Color(1), Color["GREEN"], Color.CRIMSON is Color.RED, Color.GREEN.label, Color.__members__.keys())
print(Access.READ | Access.WRITE, Access.READ in Access(3), Level.HIGH > 3, Kind.FILE == "file", f"{Kind.FILE} {Level.LOW}")
for bad in (lambda: Color(9), lambda: Color["X"], lambda: unique(Color)):
    try:
        bad()
    except (ValueError, KeyError) as error:
        print(type(error).__name__, error)
