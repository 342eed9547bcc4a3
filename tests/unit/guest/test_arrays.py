"""Arrays and columns: what they arrive as, and what hostile ones are refused for."""

import base64
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poet_engine.guest import arrays, codec
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (7,), (2, 3), (3, 0, 2), (1,) * 32]


def there_and_back(value: object) -> object:
    return codec.loads(codec.dumps(value, "x"))


@pytest.mark.parametrize("dtype", sorted(arrays.DTYPES))
@pytest.mark.parametrize("shape", SHAPES)
def test_arrays_arrive_with_their_type_shape_and_bytes(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(math.prod(shape)).astype(dtype).reshape(shape)
    arrived = there_and_back(array)
    assert type(arrived) is np.ndarray
    assert (arrived.dtype, arrived.shape, arrived.tobytes()) == (array.dtype, shape, array.tobytes())


@pytest.mark.parametrize("dtype", sorted(arrays.DTYPES))
def test_scalars_arrive_as_scalars_of_their_type(dtype: str) -> None:
    scalar = np.arange(2).astype(dtype)[1]
    arrived = there_and_back({"deep": [scalar]})
    assert isinstance(arrived, dict)
    assert type(arrived["deep"][0]) is type(scalar)
    assert arrived["deep"][0] == scalar
    assert arrived["deep"][0].dtype == scalar.dtype


def test_not_a_number_and_not_a_time_stay_what_they_are() -> None:
    numbers = there_and_back(np.array([np.nan, np.inf, -np.inf, -0.0]))
    assert isinstance(numbers, np.ndarray)
    np.testing.assert_array_equal(numbers, [np.nan, np.inf, -np.inf, -0.0])
    no_time = there_and_back(np.datetime64("NaT", "D"))
    assert isinstance(no_time, np.datetime64)
    assert np.isnat(no_time)


def test_an_array_that_arrived_can_be_written_to() -> None:
    arrived = there_and_back(np.zeros(3))
    assert isinstance(arrived, np.ndarray)
    arrived[0] = 1
    assert arrived[0] == 1


def test_memory_order_does_not_matter() -> None:
    plain = np.arange(6, dtype="<i4").reshape(2, 3)
    for form in (np.asfortranarray(plain), plain[::-1][::-1], np.repeat(plain, 2, axis=1)[:, ::2]):
        arrived = there_and_back(form)
        assert isinstance(arrived, np.ndarray)
        assert arrived.flags.c_contiguous
        np.testing.assert_array_equal(arrived, plain, strict=True)


@pytest.mark.parametrize(
    "array",
    [
        np.array(["a", "bc", ""]),
        np.array(["a", "bc"], dtype="<U9"),
        np.array(["a", "bc"], dtype=">U2"),
        np.array([b"a", b"bc", b""]),
        np.array([["é", "a\0b"], ["", "😀"]]),
        np.array("text"),
        np.array([[1, "a"], [None, (2,)]], dtype=object),
        np.array([], dtype=object),
        np.array(7, dtype=object),
        np.zeros((2, 0), dtype="<U3"),
    ],
    ids=lambda array: f"{array.dtype.str}-{array.shape}",
)
def test_arrays_of_text_bytes_and_objects_arrive_with_type_and_shape(array: object) -> None:
    arrived = there_and_back(array)
    assert isinstance(array, np.ndarray)
    assert isinstance(arrived, np.ndarray)
    assert arrived.dtype == array.dtype
    np.testing.assert_array_equal(arrived, array, strict=True)


def test_an_array_of_lists_stays_one() -> None:
    array = np.empty(2, dtype=object)
    array[0], array[1] = [1, 2], [3, 4]
    arrived = there_and_back(array)
    assert isinstance(arrived, np.ndarray)
    assert (arrived.shape, list(arrived)) == ((2,), [[1, 2], [3, 4]])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_scalars_that_are_no_number_arrive_as_such(dtype: str) -> None:
    for value in (np.nan, np.inf, -np.inf, -0.0):
        scalar = np.dtype(dtype).type(value)
        arrived = there_and_back(scalar)
        assert isinstance(arrived, np.generic)
        assert (arrived.dtype, arrived.tobytes()) == (scalar.dtype, scalar.tobytes())


@pytest.mark.parametrize("scalar", [np.str_("text"), np.str_(""), np.bytes_(b"a\0b")], ids=repr)
def test_scalars_of_text_and_bytes_arrive_as_such(scalar: object) -> None:
    arrived = there_and_back(scalar)
    assert type(arrived) is type(scalar)
    assert arrived == scalar


class Own(np.ndarray[tuple[int], np.dtype[np.float64]]):
    pass


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([np.zeros(2, dtype=[("a", "f8")])], "x[0]"),
        (np.zeros(2).view(Own), "x"),
        (np.ma.masked_array([1.0], [True]), "x"),
        ({"a": np.longdouble(1)}, "x['a']"),
        (np.datetime64("2024", "Y"), "x"),
        (np.array([1, object()], dtype=object), "x[1]"),
    ],
)
def test_what_has_no_plain_form_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(GuestSerializationError) as caught:
        codec.dumps(value, "x")
    assert caught.value.where == path


def test_an_array_that_holds_itself_is_refused() -> None:
    array = np.empty(1, dtype=object)
    array[0] = array
    with pytest.raises(GuestSerializationError, match="contains itself"):
        codec.dumps(array, "x")


def wire(dtype: object, shape: object, data: object, **more: object) -> bytes:
    return json.dumps({"~": "array", "d": dtype, "s": shape, "v": data, **more}).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


BAD: dict[str, tuple[bytes, str]] = {
    "objects": (wire("|O", [1], b64(bytes(8))), "a bad array"),
    "a structure": (wire("<f8,<f8", [1], b64(bytes(16))), "a bad array"),
    "a type that is a list": (wire([["a", "<f8"]], [1], b64(bytes(8))), "a bad array"),
    "no type": (wire(None, [1], b64(bytes(8))), "a bad array"),
    "a structure of text": (wire("<U2,<f8", [1], b64(bytes(16))), "a bad array"),
    "text without a width": (wire("<U0", [1], [""]), "a bad array"),
    "text of numbers": (wire("<U1", [1], [1]), "text was expected"),
    "text as bytes": (wire("<U1", [1], b64(bytes(4))), "a bad array"),
    "less text than there is": (wire("<U1", [2], ["a"]), "does not fit"),
    "more objects than there are": (wire("|O", [1], [1, 2]), "does not fit"),
    "no base64": (wire("<f8", [1], "!"), "a bad array"),
    "no text": (wire("<f8", [1], 5), "a bad array"),
    "a shape that is a number": (wire("<f8", 1, b64(bytes(8))), "a bad array"),
    "a negative size": (wire("<f8", [-1], b64(bytes(8))), "a bad array shape"),
    "two negative sizes": (wire("<f8", [-1, -1], b64(bytes(8))), "a bad array shape"),
    "a size that is a truth": (wire("<f8", [True], b64(bytes(8))), "a bad array shape"),
    "a size that is a float": (wire("<f8", [1.0], b64(bytes(8))), "a bad array shape"),
    "too many dimensions": (wire("<f8", [1] * 33, b64(bytes(8))), "a bad array shape"),
    "more than there is": (wire("<f8", [2], b64(bytes(8))), "does not fit"),
    "a bomb": (wire("<f8", [10**9, 10**9], ""), "does not fit"),
    "a bomb of nothing": (wire("<f8", [0, 10**300], ""), "a bad array"),
    "half an item": (wire("<f8", [1], b64(bytes(4))), "does not fit"),
    "a truth value of 2": (wire("|b1", [2], b64(b"\1\2")), "neither true nor false"),
}


@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD)
def test_a_hostile_array_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        codec.loads(data)


@FUZZ
@example(">i8", [], b64(bytes(8)), True)
@given(
    st.sampled_from(sorted(arrays.DTYPES)),
    st.lists(st.integers(0, 4) | st.integers(), max_size=4),
    st.binary(max_size=64).map(b64) | st.text(),
    st.booleans() | st.none(),
)
def test_any_array_is_an_array_or_refused(dtype: str, shape: list[int], data: str, scalar: object) -> None:
    try:
        arrived = codec.loads(wire(dtype, shape, data, scalar=scalar))
    except UndecodableError:
        return
    assert isinstance(arrived, np.ndarray | np.generic)
    # a scalar of numpy is always in the machine's own order of bytes, whatever it was taken from
    own = np.dtype(dtype).newbyteorder("=").str
    assert arrived.dtype.str == (dtype if isinstance(arrived, np.ndarray) else own)


@pytest.mark.parametrize("scalar", [1, "true", None, [True]])
def test_only_true_makes_a_scalar(scalar: object) -> None:
    arrived = codec.loads(wire("<f8", [], b64(bytes(8)), scalar=scalar))
    assert type(arrived) is np.ndarray


def test_a_scalar_with_a_shape_stays_an_array() -> None:
    arrived = codec.loads(wire("<f8", [1], b64(bytes(8)), scalar=True))
    assert type(arrived) is np.ndarray
    assert arrived.shape == (1,)


BAD_SCALARS: dict[str, tuple[object, object]] = {
    "no type": (None, 1),
    "a type that is a list": (["<i8"], 1),
    "an object": ("|O", 1),
    "the other byte order": (">i8", 1),
    "a number of text": ("<i8", "1"),
    "a truth for a number": ("<i8", True),
    "a number for a truth": ("|b1", 1),
    "a number beyond its type": ("|u1", 256),
    "a number below its type": ("|u1", -1),
    "a float beyond its type": ("<f2", 1e9),
    "a float that is none of its type": ("<f4", 0.1),
    "a time beyond its type": ("<M8[ns]", 1 << 64),
    "text of bytes": ("U", 5),
}


@pytest.mark.parametrize(("dtype", "content"), BAD_SCALARS.values(), ids=BAD_SCALARS)
def test_a_hostile_scalar_is_refused(dtype: object, content: object) -> None:
    with pytest.raises(UndecodableError):
        codec.loads(json.dumps({"~": "scalar", "d": dtype, "v": content}).encode())


def test_values_without_arrays_do_not_ask_for_numpy() -> None:
    """On the way out numpy is only looked for among what is loaded."""
    assert "numpy" in sys.modules
    assert arrays.travelling_form(object(), "x", None, lambda part, _name: part) is arrays.NOT_MINE
