# stdin: "x\ny\n"
# argv: ["a.txt", "-"]
# files: {"a.txt": "1\n2\n"}
import fileinput

with fileinput.input() as lines:
    for line in lines:
        print(lines.filename(), lines.lineno(), lines.filelineno(), line.rstrip())
