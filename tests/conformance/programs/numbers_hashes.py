import base64
import binascii
import hashlib
import hmac
import zlib

data = b"The quick brown fox"
for name in ("md5", "sha1", "sha256", "sha3_256", "blake2b"):
    print(name, hashlib.new(name, data).hexdigest()[:32])
print(hmac.new(b"key", data, "sha256").hexdigest(), zlib.crc32(data), binascii.crc_hqx(data, 0))
print(base64.b64encode(data), base64.b32encode(b"hi"), base64.b85encode(data), base64.urlsafe_b64decode("_-8="))
print(hashlib.pbkdf2_hmac("sha256", b"pw", b"salt", 10).hex(), hashlib.scrypt(b"p", salt=b"s", n=2, r=8, p=1).hex()[:20])
try:
    base64.b64decode("abc")
except binascii.Error as error:
    print(error)
