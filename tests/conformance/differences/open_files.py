# inside: "[Errno 24] Too many open files: 'a'\n"
try:
    files = [open("a", "w") for _ in range(200)]
    print("all open")
except OSError as error:
    files = None
    print(error)
