# stdin: "by name\n"
with open("/dev/stdin") as file:
    print(file.read())
with open("/dev/stdout", "w") as file:
    file.write("to stdout by name\n")
with open("/dev/stderr", "w") as file:
    file.write("to stderr by name\n")
