def work():
    raise ExceptionGroup("jobs", [ValueError("a"), ExceptionGroup("inner", [KeyError("k"), OSError(2, "gone")])])


try:
    work()
except* ValueError as group:
    print("values", group.exceptions)
except* (KeyError, OSError) as group:
    print("others", group.exceptions, group.message)

try:
    work()
except ExceptionGroup as group:
    matched, rest = group.split(OSError)
    print(matched, "|", rest)
