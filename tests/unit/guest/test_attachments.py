"""Values beside the JSON are the values within it, and a lying reference is refused."""

import itertools
import json
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poet_engine.guest import arrays, codec
from poet_engine.guest.attachments import THRESHOLD, Collected, Mapped, copy_at, place, read_at, write_at
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

if TYPE_CHECKING:
    from collections.abc import Callable

FUZZ = settings(deadline=None, max_examples=200)  # a shared machine is slow at times, which says nothing
PAGE = mmap.PAGESIZE


class Region:
    """A region in plain bytes: what a stream or a file carries from one side to the other."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    @classmethod
    def of(cls, parts: Collected) -> "Region":
        whole = bytearray(parts.size)
        for offset, data in parts.pieces:
            whole[offset : offset + len(data)] = data
        return cls(bytes(whole))

    def take(self, offset: int, length: int) -> bytearray:
        if offset + length > len(self.content):
            raise UndecodableError("a reference beyond the attachments")
        return bytearray(self.content[offset : offset + length])

    def copy(self, offset: int, length: int) -> bytes:
        return bytes(self.take(offset, length))


def beside(value: object, alignment: int = 1) -> tuple[object, Collected]:
    parts = Collected(alignment=alignment)
    data = codec.dumps(value, "x", parts)
    return codec.loads(data, Region.of(parts)), parts


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        equal = (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        return equal and one.flags.writeable == other.flags.writeable
    return type(one) is type(other) and repr(one) == repr(other)


@st.composite
def forms(draw: st.DrawFn) -> object:
    """Arrays around the threshold, of every type, in every order of memory."""
    kind = np.dtype(draw(st.sampled_from(sorted(arrays.DTYPES))))
    least = THRESHOLD // kind.itemsize
    count = draw(st.sampled_from([0, 1, least - 1, least, least + 1, 3 * least]))
    seed = draw(st.binary(min_size=1, max_size=64))
    data = np.resize(np.frombuffer(seed, dtype=np.uint8), count * kind.itemsize)
    flat = (data % 2 == 1).astype("|b1")[:count] if kind.str == "|b1" else data.view(kind)
    shape = draw(st.sampled_from([(count,), (1, count), (count, 1), (count, 1, 1)]))
    if count % 2 == 0:
        shape = draw(st.sampled_from([shape, (2, count // 2), (count // 2, 2)]))
    array = flat.reshape(shape)
    change = draw(st.sampled_from(["none", "fortran", "reversed", "transposed", "big", "read-only"]))
    changed: dict[str, Callable[[], object]] = {
        "none": lambda: array,
        "fortran": lambda: np.asfortranarray(array),
        "reversed": lambda: array[::-1],
        "transposed": lambda: array.T,
        "big": lambda: array.astype(kind.newbyteorder(">")),
        "read-only": lambda: np.broadcast_to(array, (2, *array.shape)),
    }
    return changed[change]()


@FUZZ
@given(forms())
def test_an_array_is_the_same_beside_the_json_and_within_it(array: object) -> None:
    arrived, parts = beside(array)
    assert isinstance(array, np.ndarray)
    assert same(arrived, codec.loads(codec.dumps(array, "x")))
    assert bool(parts.pieces) == (array.nbytes >= THRESHOLD)


@FUZZ
@given(st.lists(st.tuples(st.sampled_from([bytes, bytearray]), st.sampled_from([0, 1, -1, 5000])), max_size=5))
def test_bytes_are_the_same_beside_the_json_and_within_it(plan: list[tuple[type, int]]) -> None:
    value = {
        str(number): [kind(b"\x00\xff\x7e" * ((THRESHOLD + more) // 3 + 1))[: THRESHOLD + more]]
        for number, (kind, more) in enumerate(plan)
    }
    arrived, parts = beside(value, PAGE)
    assert arrived == value
    assert same(arrived, value)
    assert len(parts.pieces) == sum(more >= 0 for _kind, more in plan)
    assert all(offset % PAGE == 0 for offset, _data in parts.pieces)


COLUMNS: dict[str, object] = {
    "numbers": pd.Series(np.arange(20_000.0), name="n"),
    "missing": pd.Series([1.5, None] * 10_000),
    "dates": pd.Series(pd.date_range("2024-01-01", periods=20_000)),
    "durations": pd.Series(pd.timedelta_range("1s", periods=20_000)),
    "text": pd.Series(["a", "b"] * 10_000),
    "an index": pd.Index(np.arange(20_000)),
    "an index of dates": pd.date_range("2024-01-01", periods=20_000, freq="h"),
    "labels": pd.Series(np.arange(20_000.0), index=np.arange(20_000) * 2),
    "zoned dates": pd.Series(pd.date_range("2024-01-01", periods=20_000, tz="UTC")),
    "categories": pd.Series(range(20_000)).astype("category"),
    "nullable numbers": pd.Series([1, None] * 10_000, dtype="Int64"),
    "periods": pd.period_range("2024-01-01", periods=20_000, freq="D"),
    "levels": pd.MultiIndex.from_product([range(150), range(150)]),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_long_column_is_the_same_beside_the_json_and_within_it(column: object) -> None:
    arrived, _parts = beside(column)
    assert same(arrived, codec.loads(codec.dumps(column, "x")))


@pytest.mark.parametrize(
    "value",
    [
        pd.Series(pd.arrays.IntervalArray.from_breaks(range(20_001))),
        pd.Series(range(20_000, 0, -1)).astype(pd.CategoricalDtype(list(range(20_000, 0, -1)))),
        np.ma.masked_array(np.zeros(20_000), mask=True),
        np.zeros(20_000, dtype=[("a", "f8")]),
        np.zeros(20_000, dtype=np.longdouble),
    ],
    ids=["intervals", "categories in no order", "masked", "structured", "long double"],
)
def test_what_has_no_form_has_none_when_it_is_long(value: object) -> None:
    for parts in (None, Collected()):
        with pytest.raises(GuestSerializationError):
            codec.dumps(value, "x", parts)


def test_one_array_in_two_places_arrives_as_two() -> None:
    array = np.zeros(20_000)
    arrived, parts = beside([array, array])
    assert isinstance(arrived, list)
    arrived[0][0] = 1
    assert arrived[1][0] == 0
    (first, _), (second, _) = parts.pieces
    assert second >= first + array.nbytes


def test_an_array_that_is_no_copy_is_not_copied() -> None:
    array = np.arange(20_000)
    _arrived, parts = beside(array)
    ((_offset, data),) = parts.pieces
    assert np.shares_memory(np.frombuffer(data, dtype=array.dtype), array)


def test_scalars_of_arrays_stay_within_the_json() -> None:
    arrived, parts = beside([np.float64(1), np.array(1)])
    assert not parts.pieces
    assert isinstance(arrived, list)


def test_a_region_that_would_grow_too_large_is_refused_with_the_path() -> None:
    parts = Collected(most=(200_000, "limits.memory"))
    with pytest.raises(
        GuestSerializationError, match=r"come to 262144 bytes with it, and limits\.memory is 200000"
    ) as caught:
        codec.dumps({"a": bytes(1 << 17), "b": [bytearray(1 << 17)]}, "argument 1", parts)
    assert (caught.value.where, caught.value.kind) == ("argument 1['b'][0]", "bytearray")
    assert caught.value.mend == "Pass less at once, or raise limits.memory"


def tagged(reference: object, tag: str = "bytes") -> bytes:
    fields = {"~": tag, "d": "|u1", "s": [THRESHOLD], "v": reference}
    return json.dumps(fields if tag == "array" else {"~": tag, "v": reference}).encode()


LIES: dict[str, object] = {
    "nothing": [],
    "one number": [0],
    "three numbers": [0, THRESHOLD, 0],
    "text": ["0", THRESHOLD],
    "a truth": [False, THRESHOLD],
    "a float": [0.0, THRESHOLD],
    "a list": [[0], THRESHOLD],
    "none": [None, None],
    "before the start": [-1, THRESHOLD],
    "from the end": [-THRESHOLD, THRESHOLD],
    "a negative length": [0, -THRESHOLD],
    "no length": [0, 0],
    "less than an attachment": [0, THRESHOLD - 1],
    "a byte too far": [1, 2 * THRESHOLD],
    "all of it too far": [2 * THRESHOLD, THRESHOLD],
    "far too far": [1 << 62, THRESHOLD],
    "more than a word": [1 << 64, THRESHOLD],
    "far too long": [0, 1 << 200],
}


@pytest.mark.parametrize("tag", ["bytes", "bytearray", "array"])
@pytest.mark.parametrize("reference", LIES.values(), ids=LIES)
def test_a_lying_reference_is_refused(reference: object, tag: str) -> None:
    with pytest.raises(UndecodableError, match="reference"):
        codec.loads(tagged(reference, tag), Region(bytes(2 * THRESHOLD)))


@pytest.mark.parametrize("tag", ["bytes", "bytearray", "array"])
def test_a_reference_where_nothing_came_is_refused(tag: str) -> None:
    with pytest.raises(UndecodableError, match="an attachment where none came"):
        codec.loads(tagged([0, THRESHOLD], tag))


@pytest.mark.parametrize("tag", sorted({*codec.DECODERS} - {"bytes", "bytearray", "array"}))
def test_no_other_tag_takes_a_reference(tag: str) -> None:
    class Untouched:
        def take(self, offset: int, length: int) -> bytearray:
            raise AssertionError((offset, length))

        def copy(self, offset: int, length: int) -> bytes:
            raise AssertionError((offset, length))

    try:
        codec.loads(tagged([0, THRESHOLD], tag), Untouched())
    except UndecodableError:
        return


@pytest.mark.parametrize("shape", [[THRESHOLD - 1], [THRESHOLD + 1], [], [0, THRESHOLD], [1 << 62, 4]])
def test_a_shape_must_fit_the_attachment_exactly(shape: list[int]) -> None:
    data = json.dumps({"~": "array", "d": "|u1", "s": shape, "v": [0, THRESHOLD]}).encode()
    with pytest.raises(UndecodableError, match="does not fit"):
        codec.loads(data, Region(bytes(THRESHOLD)))


def test_a_truth_value_of_two_is_refused_beside_the_json_too() -> None:
    data = json.dumps({"~": "array", "d": "|b1", "s": [THRESHOLD], "v": [0, THRESHOLD]}).encode()
    assert codec.loads(data, Region(bytes(THRESHOLD))) is not None
    with pytest.raises(UndecodableError, match="neither true nor false"):
        codec.loads(data, Region(bytes(THRESHOLD - 1) + b"\2"))


numbers = st.integers() | st.integers(-2, 3).map(lambda n: n * THRESHOLD) | st.booleans() | st.none() | st.floats()


@FUZZ
@given(
    st.lists(numbers, max_size=4) | st.tuples(st.integers(0, 1), st.just(THRESHOLD)).map(list),
    st.sampled_from(["bytes", "bytearray", "array"]),
)
@example([0, THRESHOLD], "array")
def test_any_reference_is_a_value_of_its_length_or_refused(reference: list[object], tag: str) -> None:
    try:
        arrived = codec.loads(
            tagged(reference, tag).replace(b"NaN", b"0").replace(b"Infinity", b"0"), Region(bytes(3 * THRESHOLD))
        )
    except UndecodableError:
        return
    assert isinstance(arrived, bytes | bytearray | np.ndarray)
    assert (arrived.nbytes if isinstance(arrived, np.ndarray) else len(arrived)) == reference[1]


def file_of(content: bytes) -> int:
    fd = os.memfd_create("test")
    write_at(fd, memoryview(content), 0)
    return fd


def test_a_mapped_region_can_be_written_to_and_its_file_stays() -> None:
    content = bytes(range(256)) * 512
    fd = file_of(content)
    one, other = Mapped(fd), Mapped(fd)
    piece = one.take(PAGE, THRESHOLD)
    piece[:4] = b"mine"
    assert os.pread(fd, 4, PAGE) == bytes(other.take(PAGE, THRESHOLD)[:4]) == content[PAGE : PAGE + 4]
    assert bytes(one.take(PAGE, THRESHOLD)[:4]) == b"mine"
    os.close(fd)


def test_a_mapped_region_ends_where_its_file_does() -> None:
    fd = file_of(bytes(THRESHOLD))
    mapped = Mapped(fd)
    assert len(mapped.take(0, THRESHOLD)) == len(mapped.copy(0, THRESHOLD)) == THRESHOLD
    for way in (mapped.take, mapped.copy):
        with pytest.raises(UndecodableError, match="beyond"):
            way(1, THRESHOLD)
    os.close(fd)


def test_a_file_that_ends_too_early_is_refused() -> None:
    fd = file_of(b"short")
    with pytest.raises(UndecodableError, match="ends too early"):
        read_at(fd, memoryview(bytearray(6)), 0)
    with pytest.raises(UndecodableError, match="ends too early"):
        copy_at(fd, 0, 6)
    assert copy_at(fd, 1, 4) == b"hort"
    os.close(fd)


def test_pieces_that_do_not_fit_a_file_are_not_written() -> None:
    """The reader judges by the references, so the writer need not fail."""
    fd = file_of(bytes(THRESHOLD))
    parts = Collected()
    parts.add(memoryview(b"x" * (THRESHOLD + 1)), "x", "bytes")
    parts.deliver(fd)
    assert os.pread(fd, 4, 0) == bytes(4)
    fits = Collected()
    fits.add(memoryview(b"x" * THRESHOLD), "x", "bytes")
    fits.deliver(fd)
    assert os.pread(fd, THRESHOLD + 1, 0) == b"x" * THRESHOLD
    assert not fits.pieces
    os.close(fd)


def test_references_that_are_taken_are_the_ones_that_were_given() -> None:
    parts = Collected(alignment=PAGE)
    pieces = [os.urandom(THRESHOLD + size) for size in (0, 1, PAGE, 7)]
    references = [parts.add(memoryview(piece), "x", "bytes") for piece in pieces]
    region = Region.of(parts)
    assert [region.copy(*place(list[object](reference))) for reference in references] == pieces
    for (offset, length), (following, _length) in itertools.pairwise(references):
        assert offset + length <= following


def test_bytes_travel_beside_the_json_where_numpy_is_not_installed() -> None:
    engine = Path(codec.__file__).parents[2]
    script = (
        f"import sys; sys.path.insert(0, {str(engine)!r}); sys.modules['numpy'] = None\n"
        "from poet_engine.guest import codec, errors\nfrom poet_engine.guest.attachments import Collected\n"
        "class Region:\n    def copy(self, offset, length): return bytes(parts.pieces[0][1])\n"
        "parts = Collected()\nvalue = b'x' * 100_000\n"
        "assert codec.loads(codec.dumps(value, 'x', parts), Region()) == value and parts.pieces\n"
        'try: codec.loads(b\'{"~":"array","d":"|u1","s":[100000],"v":[0,100000]}\', Region())\n'
        "except errors.UndecodableError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "an array, but numpy is not installed here\n", done.stderr
