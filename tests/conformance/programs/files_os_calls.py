import os
import stat

os.mkdir("d", 0o755)
descriptor = os.open("d/f", os.O_RDWR | os.O_CREAT, 0o600)
print(os.write(descriptor, b"0123456789"), os.pread(descriptor, 3, 4), os.lseek(descriptor, 0, os.SEEK_CUR))
os.ftruncate(descriptor, 4)
os.fsync(descriptor)
info = os.fstat(descriptor)
print(info.st_size, stat.filemode(info.st_mode), os.path.samestat(info, os.stat("d/f")))
os.close(descriptor)
os.rename("d/f", "d/g")
os.symlink("g", "d/link")
os.link("d/g", "d/hard")
print(os.readlink("d/link"), os.stat("d/g").st_nlink, os.access("d/g", os.R_OK), os.path.islink("d/link"))
os.unlink("d/hard")
os.chmod("d/g", 0o644)
os.utime("d/g", (1, 2))
print(os.stat("d/g").st_mtime, [(entry.name, entry.is_symlink()) for entry in sorted(os.scandir("d"), key=lambda e: e.name)])
os.remove("d/link")
try:
    os.close(descriptor)
except OSError as error:
    print(error)
