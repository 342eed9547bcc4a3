import textwrap

text = "The quick brown fox jumps over the lazy dog. " * 4
for width in (20, 40):
    print(textwrap.fill(text, width, initial_indent="* ", subsequent_indent="  "))
    print("-" * width)
print(textwrap.shorten(text, 30, placeholder="..."))
print(textwrap.dedent("""\
    def f():
        return 1
"""), end="")
