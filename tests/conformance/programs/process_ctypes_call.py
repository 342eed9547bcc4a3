import ctypes
import ctypes.util

libc = ctypes.CDLL(None)
print(libc.abs(-5), libc.strlen(b"hello"))
libc.printf(b"from C %d\n", 7)


class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_double)]


pair = Pair(1, 2.5)
print(pair.a, pair.b, ctypes.sizeof(Pair), bytes(ctypes.c_uint32(258)))
callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: n * 2)
print(callback(21))
