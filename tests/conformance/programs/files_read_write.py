with open("poem.txt", "w", encoding="utf-8") as file:
    file.write("Röslein\nauf der\nHeiden\n")
    file.writelines(["end\n"] * 2)
with open("poem.txt", encoding="utf-8") as file:
    print(file.readline(), end="")
    print([line.rstrip() for line in file], file.tell())
with open("poem.txt", "r+b") as file:
    file.seek(-4, 2)
    file.write(b"END!")
    file.truncate(20)
print(open("poem.txt", "rb").read(), open("poem.txt", newline="").encoding.lower())
for name, mode in (("none.txt", "r"), ("poem.txt", "x"), (".", "r"), ("poem.txt/x", "r")):
    try:
        open(name, mode)
    except OSError as error:
        print(type(error).__name__, error)
