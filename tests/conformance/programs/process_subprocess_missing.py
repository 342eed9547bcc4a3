import subprocess

try:
    subprocess.run(["surely-no-such-program-here"])
except OSError as error:
    print("cannot start it", isinstance(error, OSError))
