import os
import shutil

os.makedirs("a/b")
with open("a/b/x.txt", "w") as file:
    file.write("content")
os.chmod("a/b/x.txt", 0o640)
shutil.copytree("a", "copy", ignore=shutil.ignore_patterns("*.pyc"))
print(shutil.copy2("a/b/x.txt", "x2.txt"), shutil.copy("a/b/x.txt", "x1.txt"))
shutil.copystat("a/b/x.txt", "x1.txt")
print(sorted(os.walk("copy")), oct(os.stat("x2.txt").st_mode), os.path.getsize("copy/b/x.txt"))
