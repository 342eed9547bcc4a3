import string


def caesar(text, shift):
    lower, upper = string.ascii_lowercase, string.ascii_uppercase
    table = str.maketrans(lower + upper, lower[shift:] + lower[:shift] + upper[shift:] + upper[:shift])
    return text.translate(table)


secret = caesar("Hello, World!", 3)
print(secret, caesar(secret, -3 % 26))
print("a,b;c".translate({ord(","): " ", ord(";"): None}))
print(sorted(["Zoë", "apple", "Äpfel"], key=str.casefold), "x".center(7, "*"), "1,2,,3".split(","))
