import difflib

old = "one\ntwo\nthree\nfour\n".splitlines(True)
new = "one\n2\nthree\nfour\nfive\n".splitlines(True)
print("".join(difflib.unified_diff(old, new, "old.txt", "new.txt")), end="")
print("".join(difflib.ndiff(old, new)), end="")
print(difflib.get_close_matches("appel", ["ape", "apple", "peach"]))
print(round(difflib.SequenceMatcher(None, "abcd", "bcde").ratio(), 3))
