import array
import struct

packed = struct.pack("<hIq4s?d", -2, 7, 2**40, b"ab", True, 0.5)
print(packed, struct.unpack("<hIq4s?d", packed), struct.calcsize("@bI"))
numbers = array.array("i", [1, 2, 3])
numbers.extend(range(4, 7))
view = memoryview(numbers)
view[0] = 99
print(numbers, view[1:3].tolist(), numbers.tobytes()[:8], view.cast("B")[0], view.nbytes)
try:
    struct.unpack("<I", b"abc")
except struct.error as error:
    print(error)
