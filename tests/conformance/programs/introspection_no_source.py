import inspect
import linecache
import traceback

print(sorted(name for name in linecache.cache if name.startswith("<")))
for name in ("", "<string>", "<stdin>"):
    code = compile("x = 1\n", name, "exec")
    try:
        print(inspect.findsource(code))
    except OSError as error:
        print(name, error)
try:
    exec("1 / 0")
except ZeroDivisionError:
    traceback.print_exc()
