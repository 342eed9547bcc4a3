import mmap

with open("data.bin", "w+b") as file:
    file.write(b"hello mapped world")
    file.flush()
    with mmap.mmap(file.fileno(), 0) as view:
        print(view[:5], view.find(b"mapped"), len(view))
        view[0:5] = b"HELLO"
        view.flush()
with mmap.mmap(-1, 4096) as anonymous:
    anonymous.write(b"x")
    print(anonymous[:2])
print(open("data.bin", "rb").read())
