class Registry(type):
    known = {}

    def __new__(mcls, name, bases, namespace, **options):
        cls = super().__new__(mcls, name, bases, namespace)
        mcls.known[options.get("label", name.lower())] = cls
        return cls

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    def __prepare__(name, bases, **options):
        print("preparing", name, options)
        return {}

    def __instancecheck__(cls, instance):
        return super().__instancecheck__(instance) or instance == "magic"


class Base(metaclass=Registry):
    pass


class Child(Base, label="kid"):
    def __init_subclass__(cls, **options):
        print("subclass", cls.__name__, options)


class Grand(Child):
    pass


print({key: value.__name__ for key, value in Registry.known.items()}, isinstance("magic", Base))
