class Config:
    def __init__(self, **values):
        object.__setattr__(self, "values", values)

    def __getattr__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(f"no setting {name!r}") from None

    def __setattr__(self, name, value):
        self.values[name] = value

    def __delattr__(self, name):
        del self.values[name]

    def __dir__(self):
        return [*self.values, "extra"]


config = Config(debug=True)
config.level = 3
del config.debug
print(config.level, hasattr(config, "debug"), dir(config), getattr(config, "x", "default"))
try:
    config.missing
except AttributeError as error:
    print(error, error.__suppress_context__)
