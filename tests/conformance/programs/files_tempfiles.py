import os
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "a.txt")
    with open(path, "w") as file:
        file.write("temporary")
    print(os.path.getsize(path), os.listdir(folder))
print(os.path.exists(folder), tempfile.gettempdir())
with tempfile.NamedTemporaryFile("w+", suffix=".log") as file:
    file.write("line\n")
    file.seek(0)
    print(file.read(), file.name.endswith(".log"), os.path.exists(file.name))
with tempfile.TemporaryFile() as file:
    print(file.write(b"bytes"), file.seek(0), file.read())
with tempfile.SpooledTemporaryFile(max_size=4) as file:
    file.write(b"more than four")
    print(file.tell())
descriptor, name = tempfile.mkstemp()
os.close(descriptor)
os.remove(name)
