# status: "limit"
import os

for _ in range(300):
    os.write(1, b"x" * 8191 + b"\n")
