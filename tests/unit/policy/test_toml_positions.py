"""Keys are found on their lines, whatever the values look like."""

from poet_engine.policy.toml_positions import locate

_TEXT = r"""# top = 1
a = "x = 1 # [no]"
b = '''
[c]
d = 1
'''
e = [
  1, # f = 2
  2,
]
[g]
h.i = { j = 1 }
['k l'."m"]
n = "a\"b = 2"
o = 1979-05-27T07:32:00Z
"""


def test_keys_are_found_behind_every_kind_of_value() -> None:
    assert dict(locate(_TEXT)) == {
        ("a",): 2,
        ("b",): 3,
        ("e",): 7,
        ("g",): 11,
        ("g", "h", "i"): 12,
        ("k l", "m"): 13,
        ("k l", "m", "n"): 14,
        ("k l", "m", "o"): 15,
    }
