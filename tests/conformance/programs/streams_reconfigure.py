import sys

sys.stdout.reconfigure(encoding="latin-1", line_buffering=True)
print("grüße", sys.stdout.encoding, sys.stdout.line_buffering)
sys.stdout.reconfigure(encoding="ascii", errors="backslashreplace")
print("grüße €")
sys.stderr.reconfigure(errors="strict")
print(sys.stderr.errors, sys.stdout.errors, file=sys.stderr)
