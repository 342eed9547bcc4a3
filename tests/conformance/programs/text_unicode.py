import unicodedata

for text in ("café", "ﬁne", "Ⅷ", "Straße", "ǅ"):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    print(text, [len(form) for form in forms], forms[2], text.casefold(), text.upper(), text.title())
    print([unicodedata.name(letter) for letter in forms[1]])
print("日本語".encode("shift_jis"), "grüße".encode("latin-1"), "naïve".encode("ascii", "xmlcharrefreplace"))
