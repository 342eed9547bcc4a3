# inside: "refused True\n"
import os

try:
    with open("large", "wb", buffering=0) as file:
        for _ in range(20):
            file.write(bytes(1 << 20))
    print("written")
except OSError as error:
    print("refused", error.errno in (27, 28))
os.remove("large")
