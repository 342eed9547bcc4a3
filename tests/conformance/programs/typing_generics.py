from typing import TYPE_CHECKING, Annotated, Generic, Literal, NamedTuple, Protocol, TypedDict, TypeVar, get_args
from typing import Optional, Union, get_type_hints, overload, runtime_checkable

if TYPE_CHECKING:
    from surely_not_there import Thing

T = TypeVar("T")


class Stack(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> "Thing":
        self.items.append(item)


@runtime_checkable
class Closable(Protocol):
    def close(self) -> None: ...


class Movie(TypedDict, total=False):
    name: str
    year: int


class Employee(NamedTuple):
    name: str
    id: int = 3


@overload
def f(x: int) -> int: ...
@overload
def f(x: str) -> str: ...
def f(x):
    return x


stack = Stack[int]()
stack.push(1)
print(stack.items, Stack[int], isinstance(open("f", "w"), Closable), Movie(name="x"), Employee("ann"), f(3))
print(Optional[int], Union[int, str, None], int | None, Literal["a", "b"], get_args(dict[str, list[int]]))
print(get_type_hints(Employee), Annotated[int, "meta"].__metadata__, Movie.__required_keys__)
