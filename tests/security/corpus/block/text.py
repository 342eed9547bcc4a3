# case: a direction control in a text
# ruleid: POET103
access = "user‮ ⁦# only for admins⁩ ⁦"
# case: a zero-width space
# ruleid: POET103
x = "a​b"
# case: another encoding
# ruleid: POET103
# coding: utf-7
x = 1
# case: a soft hyphen
# ruleid: POET103
pass­word = 1 if False else 2
# case: Cyrillic in a Latin word
# ruleid: POET104
cоunt = 1
# case: a Cyrillic word that looks like a builtin
# ruleid: POET104
def ѕее(x): return x
see = 1
# case: Greek capitals in a Latin word
# ruleid: POET104
Αdmin = 1
# case: full-width letters
# ruleid: POET104
ｅval = 1
# case: a mathematical alphabet
# ruleid: POET120
𝐞𝐱𝐞𝐜("1")
# case: mixed scripts in an attribute
def f(x):
    # ruleid: POET104
    return x.nаme
# case: mixed scripts in an argument
def f(x):
    # ruleid: POET104
    return g(vаlue=x)
# case: no syntax
# ruleid: POET102
def f(:
# case: an unfinished text
# ruleid: POET102
x = 'abc
# case: weak hash
import hashlib
def f(x):
    # ruleid: B324
    return hashlib.md5(x).hexdigest()
# case: weak hash behind a nosec
import hashlib
def f(x):
    # ruleid: B324
    return hashlib.sha1(x).hexdigest()  # nosec
# case: weak hash behind a nosec with its number
import hashlib
def f(x):
    # ruleid: B324
    return hashlib.new("md5", x)  # nosec B324
# case: a letter that nobody sees
# ruleid: POET103
ㅤ = 1
# case: text in tags
# ruleid: POET103
x = "󠁁󠁂"
# case: a letter of formulas beside the plain one
def f(γ):
    # ruleid: POET104
    𝛾 = 1
    return γ
