import os
import shutil

os.makedirs("a/b")
for name in ("a/one.txt", "a/b/two.txt"):
    with open(name, "w") as file:
        file.write(name)
print(shutil.copyfile("a/one.txt", "copied.txt"), shutil.move("copied.txt", "moved.txt"))
shutil.make_archive("backup", "zip", "a")
shutil.unpack_archive("backup.zip", "restored")
print(sorted(os.listdir("restored")), shutil.which("surely-no-such-program"))
shutil.rmtree("restored")
os.remove("backup.zip")  # it holds the times of the files
print(sorted(os.listdir("a")), os.path.exists("moved.txt"))
try:
    shutil.rmtree("restored")
except FileNotFoundError as error:
    print(error)
