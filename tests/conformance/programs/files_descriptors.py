import os

descriptor = os.open("f", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
copy = os.dup(descriptor)
os.write(descriptor, b"one ")
os.write(copy, b"two")
print(os.get_inheritable(descriptor), os.path.getsize("f"), os.isatty(copy))
os.closerange(descriptor, copy + 1)
read, write = os.pipe()
os.set_blocking(read, False)
try:
    os.read(read, 1)
except BlockingIOError as error:
    print(type(error).__name__)
os.write(write, b"data")
print(os.read(read, 10))
with os.fdopen(write, "w") as file:
    file.write("text")
print(os.read(read, 10), os.read(read, 10))
