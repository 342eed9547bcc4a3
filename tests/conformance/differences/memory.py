# inside: "MemoryError\n"
try:
    print(len(bytearray(900 << 20)))
except MemoryError:
    print("MemoryError")
