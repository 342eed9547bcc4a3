try:
    data = bytearray(1 << 50)
except MemoryError as error:
    print("MemoryError", error)
print("goes on")
