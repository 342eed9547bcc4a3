"""What a hostile guest sends: every input is a value or an UndecodableError, and soon."""

import json
import random  # noqa: TID251 - hypothesis hands out seeded ones; this is their type
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.guest import codec
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import UndecodableError

FUZZ = settings(deadline=None, max_examples=400)  # a shared machine is slow at times, which says nothing


def read(data: bytes) -> object:
    """The value, or None for what is refused; anything else is a bug."""
    try:
        return codec.loads(data)
    except UndecodableError:
        return None


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    read(data)


@FUZZ
@given(st.text(alphabet='[]{}",:~v0123456789.eE+-\\untrealfsINbiopd \ud800é', max_size=120))
def test_anything_that_looks_like_json_is_a_value_or_refused(text: str) -> None:
    read(text.encode("utf-8", "surrogatepass"))


TAGS = [*codec.DECODERS, "unknown", "", "~"]
raw_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(
        ["0x10", "-0xff", "0x", "nan", "inf", "1E+99999999999999999999", "sNaN", "2024-01-01", "AAAA", "<f8"]
    ),
)
raw_values = st.recursive(
    raw_leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=3) | st.sampled_from(["~", "v", "d", "s", "scalar"]), inner, max_size=4),
        st.fixed_dictionaries({"~": st.sampled_from(TAGS) | inner, "v": inner}),
        st.fixed_dictionaries({"~": st.just("array"), "d": inner, "s": inner, "v": inner, "scalar": inner}),
        st.fixed_dictionaries(
            {"~": st.just("dict"), "v": st.lists(st.lists(inner, min_size=2, max_size=2), max_size=4)}
        ),
    ),
    max_leaves=12,
)


@FUZZ
@given(raw_values)
def test_any_json_with_any_tags_is_a_value_or_refused(raw: object) -> None:
    read(json.dumps(raw).encode())


@FUZZ
@given(st.sampled_from(TAGS), raw_leaves | st.lists(raw_leaves, max_size=4))
def test_any_content_under_any_tag_is_a_value_or_refused(tag: str, content: object) -> None:
    read(json.dumps({"~": tag, "v": content}).encode())


@FUZZ
@given(st.binary(min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_a_good_message_with_a_bad_byte_is_a_value_or_refused(noise: bytes, dice: random.Random) -> None:
    good = bytearray(codec.dumps({"a": (1, {2}, b"x", 2**2000), 3: [1.5, None]}, "x"))
    for byte in noise:
        good[dice.randrange(len(good))] = byte
    read(bytes(good))


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not readable"),
    "half a message": (b"[1,", "not readable"),
    "two messages": (b"1 2", "not readable"),
    "a bare NaN": (b"NaN", "a bare NaN"),
    "a bare Infinity": (b"[-Infinity]", "a bare -Infinity"),
    "a key twice": (b'{"a":1,"a":2}', "twice"),
    "a tag twice": (b'{"~":"tuple","~":"set","v":[]}', "twice"),
    "a lone surrogate": (b'"\\ud800"', "surrogate"),
    "a lone surrogate as a key": (b'{"\\udfff":1}', "surrogate"),
    "a surrogate as bytes": (b'"\xed\xa0\x80"', "not readable"),
    "another encoding": ("[1]".encode("utf-16"), "not readable"),
    "a byte order mark": (b"\xef\xbb\xbf1", "not readable"),
    "a long plain integer": (b"1" * 5000, "digits"),
    "a long float": (b"[1.5," + b"1" * 30 + b"." + b"1" * 41 + b"]", "a float of more than 40 digits"),
    "a long float before its point": (b"1" * 41 + b".5", "a float of more than 40 digits"),
    "a long exponent": (b"[1e+" + b"0" * 41 + b"1]", "a float of more than 40 digits"),
    "a long negative integer": (b"[-" + b"1" * 5000 + b"]", "digits"),
    "an unknown tag": (b'{"~":"pickle","v":"x"}', "an unknown tag"),
    "a tag that is no text": (b'{"~":["tuple"],"v":[]}', "an unknown tag"),
    "a tag without content": (b'{"~":"tuple"}', "a list was expected"),
    "a tuple of text": (b'{"~":"tuple","v":"abc"}', "a list was expected"),
    "a counter that is none": (b'{"~":"counter","v":{"a":1}}', "pairs were expected"),
    "a mapping of half a pair": (b'{"~":"ordered","v":[["a"]]}', "pairs were expected"),
    "a default that is looked up": (b'{"~":"defaultdict","v":[],"n":"eval"}', "a bad defaultdict"),
    "a default that is a list": (b'{"~":"defaultdict","v":[],"n":["list"]}', "a bad factory"),
    "a deque that has lost items": (b'{"~":"deque","v":[1,2],"n":1}', "a bad deque"),
    "a deque of text": (b'{"~":"deque","v":"ab","n":null}', "a list was expected"),
    "a range of two": (b'{"~":"range","v":[0,1]}', "a bad range"),
    "a range that stands still": (b'{"~":"range","v":[0,1,0]}', "a bad range"),
    "a range of floats": (b'{"~":"range","v":[0,1.5,1]}', "a bad range"),
    "a fraction of nothing": (b'{"~":"fraction","v":[1,0]}', "a bad fraction"),
    "a fraction of one": (b'{"~":"fraction","v":[1]}', "a bad fraction"),
    "a long fraction": (b'{"~":"fraction","v":[{"~":"int","v":"0x' + b"f" * 1025 + b'"},1]}', "a long fraction"),
    "a set of lists": (b'{"~":"set","v":[[1]]}', "a bad set"),
    "a mapping of singles": (b'{"~":"dict","v":[[1]]}', "pairs were expected"),
    "a mapping with a list as key": (b'{"~":"dict","v":[[[],1]]}', "a bad dict"),
    "a mapping with equal keys": (b'{"~":"dict","v":[[1,"a"],[true,"b"]]}', "twice"),
    "a signalling NaN in a set": (b'{"~":"set","v":[{"~":"decimal","v":"sNaN"}]}', "a bad set"),
    "an integer that is none": (b'{"~":"int","v":"0xzz"}', "a bad int"),
    "a decimal integer under the tag": (b'{"~":"int","v":"12"}', "a bad integer"),
    "a float that JSON can say": (b'{"~":"float","v":"1.5"}', "a bad float"),
    "a float that is a list": (b'{"~":"float","v":["nan"]}', "a bad float"),
    "bytes that are no base64": (b'{"~":"bytes","v":"a"}', "a bad bytes"),
    "bytes with other characters": (b'{"~":"bytes","v":"AA\\u00e9="}', "a bad bytes"),
    "a Decimal that is none": (b'{"~":"decimal","v":"one"}', "a bad decimal"),
    "a UUID that is none": (b'{"~":"uuid","v":"12"}', "a bad uuid"),
    "a date that is none": (b'{"~":"date","v":"2024-02-30"}', "a bad date"),
    "a time that is none": (b'{"~":"time","v":"25:00"}', "a bad time"),
    "a datetime that is none": (b'{"~":"datetime","v":7}', "text was expected"),
    "a duration of floats": (b'{"~":"timedelta","v":[0.5,0,0]}', "a bad duration"),
    "a duration of truths": (b'{"~":"timedelta","v":[true,0,0]}', "a bad duration"),
    "an endless duration": (b'{"~":"timedelta","v":[99999999999,0,0]}', "a bad timedelta"),
    "a complex number of text": (b'{"~":"complex","v":["1","2"]}', "a bad complex number"),
    "a complex number of one part": (b'{"~":"complex","v":[1]}', "a bad complex"),
    "a complex number too large": (b'{"~":"complex","v":[1' + b"0" * 390 + b",0]}", "a bad complex"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_breaks_a_rule_is_refused_with_the_rule(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        codec.loads(data)


def test_a_huge_exponent_is_a_value_that_costs_nothing() -> None:
    assert str(codec.loads(b'{"~":"decimal","v":"1E+999999999"}')) == "1E+999999999"
    assert read(b'{"~":"decimal","v":"1E+99999999999999999999999"}') is None


DEEP = [b"[", b'{"a":', b'{"~":"tuple","v":[', b'{"~":"dict","v":[[1,', b"[[],"]


@pytest.mark.parametrize("opener", DEEP)
@pytest.mark.parametrize("levels", [120, 5000, 200_000])
def test_deep_nesting_is_refused(opener: bytes, levels: int) -> None:
    with pytest.raises(UndecodableError):
        codec.loads(opener * levels)


@pytest.fixture
def raised_recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("raised_recursion_limit")
@pytest.mark.parametrize("opener", DEEP)
def test_deep_nesting_is_refused_where_the_host_has_raised_its_recursion_limit(opener: bytes) -> None:
    """The parser would recurse in C until the stack overflows, and take the host with it."""
    with pytest.raises(UndecodableError, match="nested deeper"):
        codec.loads(opener * 200_000)


@pytest.mark.parametrize("inside", [rb"\"[[[[", rb"\\\"[[", "é[[".encode(), rb"\u0022[["])
def test_brackets_inside_text_do_not_hide_those_outside(inside: bytes) -> None:
    with pytest.raises(UndecodableError, match="nested deeper"):
        codec.loads(b'["' + inside + b'",' + b"[" * 1000)
    flat = b'["' + inside * 500 + b'"]'
    assert codec.loads(flat) == json.loads(flat)


@pytest.fixture
def lifted_digit_limit() -> Iterator[None]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("lifted_digit_limit")
@pytest.mark.timeout(20)
def test_long_integers_are_refused_where_the_host_has_lifted_its_limit() -> None:
    """Parsing eight million digits would take minutes."""
    with pytest.raises(UndecodableError, match="digits"):
        codec.loads(b"7" * 8_000_000)


@pytest.mark.timeout(20)
def test_a_long_hexadecimal_integer_is_read_in_linear_time() -> None:
    assert codec.loads(b'{"~":"int","v":"-0x' + b"f" * 4_000_000 + b'"}') == -(16**4_000_000 - 1)


@pytest.mark.parametrize("unit", [b"1", b"[]", b'"a"'])
def test_items_are_not_counted_where_their_bytes_pay_for_them(unit: bytes) -> None:
    content = b"[" + b",".join([unit] * 1_000_001) + b"]"
    padded = content + b" " * 25_000_000
    came = codec.loads(padded, costs=DecodingBudget(len(padded)))
    assert isinstance(came, list)
    assert len(came) == 1_000_001


def test_what_has_not_been_paid_for_is_refused_before_it_is_built() -> None:
    for data in (
        b"[" + b"[]," * 1_000_000 + b"[]]",
        b"[" + b"{}," * 1_000_000 + b"{}]",
        b"[" + b"1.5," * 1_000_000 + b"1]",
    ):
        assert codec.loads(data)
        with pytest.raises(UndecodableError, match="fewer and larger pieces"):
            codec.loads(data, costs=DecodingBudget(len(data)))


def test_quotes_without_end_are_refused_in_linear_time() -> None:
    for data in (b'["' + b'\\"[' * 1_000_000, b'"\\' * 1_000_000, b"[" * 400 + b'"' * 1_000_001):
        assert read(data) is None


EQUAL = [index * (2**61 - 1) + 5 for index in range(-2000, 2000)]  # all with one hash: hash(int) is modulo 2**61 - 1


@pytest.mark.parametrize("tag", ["set", "frozenset", "dict"])
def test_a_flood_of_equal_hashes_is_refused(tag: str) -> None:
    content: object = [[item, 0] for item in EQUAL] if tag == "dict" else EQUAL
    with pytest.raises(UndecodableError, match="same hash"):
        codec.loads(json.dumps({"~": tag, "v": content}).encode())


def colliding(size: int) -> list[int]:
    """Numbers with different hashes that follow each other through a table of `size` slots.

    The first ones lie one behind the other on the path that probing ends in; the others are chosen to enter that path
    near its start, so that each walks almost all of it.
    """
    slot, path = 0, {}
    for place in range(size * 2 // 5):
        path[slot] = place
        slot = (5 * slot + 1) % size
    entering = []
    for number in range(size, size * 64):
        perturb, slot = number, number % size
        while perturb and slot in path:
            perturb >>= 5
            slot = (slot * 5 + perturb + 1) % size
        if path.get(slot, size) < size // 10:
            entering.append(number)
        if len(entering) == size // 8:
            break
    return [*path, *entering]


@pytest.mark.parametrize("tag", ["set", "frozenset", "dict"])
def test_different_hashes_that_collide_on_purpose_are_refused(tag: str) -> None:
    """A million of them would keep the host busy for ten minutes."""
    flood = colliding(1 << 13)
    assert len(set(map(hash, flood))) == len(flood) > 4000
    content: object = [[item, 0] for item in flood] if tag == "dict" else flood
    with pytest.raises(UndecodableError, match="collide"):
        codec.loads(json.dumps({"~": tag, "v": content}).encode())


def test_such_a_flood_is_found_within_an_honest_set_of_any_size() -> None:
    """A set grows through tables of every size, so a flood may be aimed at one that it leaves again."""
    flood = colliding(1 << 13) + [7919 * index + 1_000_000 for index in range(20_000)]
    with pytest.raises(UndecodableError, match="collide"):
        codec.loads(json.dumps({"~": "set", "v": flood}).encode())


def test_errors_do_not_repeat_what_the_guest_wrote() -> None:
    secret = "\\u001b[31m" + "A" * 10_000
    for data in (f'{{"~":"{secret}"}}', f'{{"~":"decimal","v":"{secret}"}}', f'{{"{secret}":1,"{secret}":1}}', secret):
        with pytest.raises(UndecodableError) as caught:
            codec.loads(data.encode())
        assert len(str(caught.value)) < 120
        assert "AAAA" not in str(caught.value)
