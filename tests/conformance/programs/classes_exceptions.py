class AppError(Exception):
    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def parse(text):
    try:
        return int(text)
    except ValueError as error:
        error.add_note(f"while parsing {text!r}")
        raise AppError("bad number", 7) from error
    else:
        print("never")
    finally:
        print("finally", text)


for text in ("12", "x"):
    try:
        print(parse(text))
    except AppError as error:
        print(repr(error), error.code, repr(error.__cause__), error.__cause__.__notes__)
try:
    try:
        {}["a"]
    except KeyError:
        [].pop()
except IndexError as error:
    print(repr(error.__context__), error)
