import contextlib
import io
import sys


class Tee:
    def __init__(self, *streams):
        self.streams = streams

    def write(self, text):
        for stream in self.streams:
            stream.write(text)

    def flush(self):
        for stream in self.streams:
            stream.flush()


kept = io.StringIO()
sys.stdout = Tee(sys.__stdout__, kept)
print("to both")
sys.stdout = sys.__stdout__
print(repr(kept.getvalue()))
with contextlib.redirect_stdout(io.StringIO()) as inner, contextlib.redirect_stderr(inner):
    print("hidden")
    print("also", file=sys.stderr)
print(inner.getvalue().split())
