import inspect
import typing


def f(a, /, b: int = 2, *args: str, c, d=None, **kwargs) -> bool:
    """Document f."""


class A:
    def method(self, x): ...


print(inspect.signature(f), inspect.getdoc(f), inspect.getfullargspec(f).kwonlyargs, typing.get_type_hints(f))
print([(p.name, p.kind.description) for p in inspect.signature(f).parameters.values()][:2])
print(inspect.signature(A().method), inspect.ismethod(A().method), inspect.isgeneratorfunction(lambda: (yield)))
print([name for name, value in inspect.getmembers(A, inspect.isfunction)], inspect.currentframe().f_lineno)
bound = inspect.signature(f).bind(1, c=3)
bound.apply_defaults()
print(bound.arguments)
try:
    f()
except TypeError as error:
    print(error)
