import types

module = types.ModuleType("made", "its doc")
exec("def f(): return __name__", vars(module))
Made = type("Made", (dict,), {"x": 1})
print(module.f(), module, Made(a=1), Made.__module__, Made.__qualname__, types.SimpleNamespace(a=1))
print(f"{print!r} {len.__name__} {dict.fromkeys!r}"[:60], (lambda: 0).__qualname__, types.new_class("N").__mro__)


class Outer:
    class Inner:
        def method(self):
            return self.__class__.__qualname__


print(Outer.Inner().method(), Outer.Inner.method.__qualname__, callable(Outer), id(Outer) == id(Outer))
