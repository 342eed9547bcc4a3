# inside: "None\n"
import os

print(os.environ.get("OF_THE_CALLER"))
