import shlex
from fnmatch import filter, translate

print(shlex.split("""cp 'a file' "b \\"c\\"" d\\ e # no comment""", comments=True))
print(shlex.join(["echo", "it's", "$HOME"]), shlex.quote(""))
print(filter(["a.py", "b.txt", ".c.py"], "*.py"), translate("[!a]?*"))
lexer = shlex.shlex("a=(1+b)*'x y'", punctuation_chars=True)
print(list(lexer))
