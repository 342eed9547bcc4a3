with open(__file__) as file:
    lines = file.read().splitlines()
print(len(lines), lines[0])
