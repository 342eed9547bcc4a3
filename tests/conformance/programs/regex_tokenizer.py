import re
from collections import namedtuple

Token = namedtuple("Token", "kind text")
KINDS = [("NUMBER", r"\d+(\.\d*)?"), ("NAME", r"[A-Za-z]\w*"), ("OP", r"[-+*/()=]"), ("SKIP", r"\s+"), ("BAD", r".")]
LEXER = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS))


def tokens(text):
    for match in LEXER.finditer(text):
        if match.lastgroup == "BAD":
            raise SyntaxError(f"{match[0]!r} at {match.start()}")
        if match.lastgroup != "SKIP":
            yield Token(match.lastgroup, match[0])


def evaluate(text):
    parts = list(tokens(text))

    def expression(level=0):
        value = term()
        while parts and parts[0].text in "+-":
            operator = parts.pop(0).text
            value = value + term() if operator == "+" else value - term()
        return value

    def term():
        value = factor()
        while parts and parts[0].text in "*/":
            value = value * factor() if parts.pop(0).text == "*" else value / factor()
        return value

    def factor():
        token = parts.pop(0)
        if token.text == "(":
            value = expression()
            parts.pop(0)
            return value
        return float(token.text)

    return expression()


print(evaluate("2 * (3 + 4) - 10 / 4"), [*tokens("x = 3.5")])
try:
    list(tokens("1 ? 2"))
except SyntaxError as error:
    print(error)
