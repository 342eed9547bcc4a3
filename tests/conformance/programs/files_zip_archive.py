import io
import zipfile

with zipfile.ZipFile("out.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for name in ("b.txt", "dir/a.txt"):
        archive.writestr(zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6)), name * 20)
with zipfile.ZipFile("out.zip") as archive:
    print(archive.namelist(), archive.testzip(), archive.read("b.txt")[:10])
    archive.extractall("unpacked")
    print([(info.filename, info.file_size, info.date_time) for info in archive.infolist()])
print(zipfile.is_zipfile("out.zip"), zipfile.is_zipfile(io.BytesIO(b"no")))
try:
    zipfile.ZipFile(io.BytesIO(b"no zip at all"))
except zipfile.BadZipFile as error:
    print(error)
