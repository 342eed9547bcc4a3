import glob
import os

for folder in ("x/y/z", "x/w"):
    os.makedirs(folder, exist_ok=True)
    open(os.path.join(folder, "f.txt"), "w").close()
for top, folders, files in os.walk("x"):
    folders.sort()
    print(top, folders, files)
print(sorted(glob.glob("x/**/*.txt", recursive=True)), os.path.commonpath(["x/y/z", "x/y/w"]))
os.chdir("x")
print(os.path.basename(os.getcwd()), os.path.abspath("f").endswith("/x/f"), os.path.normpath("a/../b//c"))
print(os.path.splitext("a.tar.gz"), os.path.expanduser("~") != "~", os.path.relpath("y", "w"))
os.removedirs("w/none") if os.path.exists("w/none") else print("nothing to remove")
