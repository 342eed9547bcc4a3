from contextlib import ExitStack, chdir, closing, contextmanager, nullcontext, suppress
import io
import os


@contextmanager
def tag(name):
    print(f"<{name}>")
    try:
        yield name
    except ValueError as error:
        print("swallowed", error)
    finally:
        print(f"</{name}>")


with tag("a"), tag("b") as b:
    print(b)
    raise ValueError("inside")
with ExitStack() as stack:
    names = [stack.enter_context(tag(name)) for name in "xy"]
    stack.callback(print, "callback")
    kept = stack.pop_all()
print("outside", names)
kept.close()
with suppress(KeyError), nullcontext(3) as three, closing(io.StringIO()) as text:
    {}["x"]
print(three, text.closed)
os.mkdir("d")
with chdir("d"):
    print(os.path.basename(os.getcwd()))
