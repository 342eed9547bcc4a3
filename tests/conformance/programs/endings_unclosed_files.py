import gzip

log = open("log.txt", "w")
log.write("never closed")
data = gzip.GzipFile("data.gz", "wb", mtime=0)
data.write(b"payload")
print("done")
