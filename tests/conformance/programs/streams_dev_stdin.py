# stdin: "by name\n"
with open("/dev/stdin") as file:
    print(file.read())
with open("/dev/fd/0") as file:
    print([file.read()])
