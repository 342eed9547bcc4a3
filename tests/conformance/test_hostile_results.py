"""A result is bytes from an enemy: whatever breaks the format is the code's failure and never a fault of ours."""

import base64
import errno
import json
import time
import zlib
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest.codec import loads
from poet_engine.guest.decoding_budget import FREE, DecodingBudget
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.conformance.conftest import Caller


# kinds of frames, as the guest numbers them
RESULT, EXCEPTION, REFUSED, READY, SETUP_FAILED = 2, 3, 4, 5, 6


def _send(content: bytes, kind: int = RESULT) -> str:
    """A body that writes one frame of its own to the request's socket and leaves without the run loop."""
    frame = bytes([kind]) + len(content).to_bytes(4, "big") + content
    return f"print('reached', flush=True)\nos.write(3, {frame!r})\nos._exit(0)"


def test_a_forged_frame_is_as_good_as_a_returned_value(call: "Caller") -> None:
    """The control of this file: descriptor 3 is the way out, so what fails below fails for its content."""
    outcome = call(_send(b'{"~":"tuple","v":[1,"x"]}'))

    assert (outcome.status, outcome.value) == (Status.OK, (1, "x"))


UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "two values": b"1 2",
    "bare NaN": b"NaN",
    "bare Infinity": b"[-Infinity]",
    "a key twice": b'{"a":1,"a":2}',
    "a key twice in pairs": b'{"~":"dict","v":[[1,2],[1,3]]}',
    "a lone surrogate": b'"\\ud800"',
    "a lone surrogate as a key": b'{"\\udfff":1}',
    "bytes that are no UTF-8": b'"\xff"',
    "5,000 digits": b"9" * 5000,
    "nested 150 deep": b"[" * 150 + b"]" * 150,
    "nested 50,000 deep": b"[" * 50_000 + b"]" * 50_000,
    "an unknown tag": b'{"~":"pickle","v":"gASVIAAAAAAA"}',
    "a tag that is no text": b'{"~":["tuple"],"v":[]}',
    "a name to look up": b'{"~":"os.system","v":"true"}',
    "an unhashable key": b'{"~":"dict","v":[[[],1]]}',
    "a set of lists": b'{"~":"set","v":[[1]]}',
    "a bad date": b'{"~":"date","v":"2024-02-30"}',
    "a duration out of range": b'{"~":"timedelta","v":[999999999999,0,0]}',
    "a float that is none": b'{"~":"float","v":"1_0"}',
    "base64 with strangers in it": b'{"~":"bytes","v":"!!!!"}',
    "an array of objects": b'{"~":"ndarray","dtype":"object","shape":[1],"v":"AAAA"}',
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_result_is_no_result(call: "Caller", content: bytes) -> None:
    outcome = call(_send(content))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
    assert outcome.value is None


_TABLE = {"~": "table", "l": 1, "i": None, "c": {"~": "index", "n": None, "v": ["r", [0, 1, 1]]}, "v": [[0, "o", [1]]]}
_SERIES = {"~": "series", "i": None, "n": None, "v": ["o", [1]]}
_DAYS = b"".join((day * 86_400).to_bytes(8, "little") for day in range(4, 2804) if (day - 4) % 7 < 5)
_WORKING_DAYS = {"~": "array", "d": "<M8[s]", "s": [2000], "v": base64.b64encode(_DAYS).decode()}
# Within the 256 KiB that a result may have: what each would take a host that just made it.
COSTLY: dict[str, object] = {
    "2,000 tables, 0.5 s": [_TABLE] * 2000,
    "a table of 20,000 columns, 1 s": {"~": "frame", "c": [None, [0] * 20_000], "n": None, "v": [["o", []]] * 20_000},
    "4,000 series, 0.3 s": [_SERIES] * 4000,
    "an index of working days, 0.1 s": {"~": "index", "n": None, "f": "B", "v": ["a", _WORKING_DAYS]},
    "10,000 paths of many parts, 0.2 s": [{"~": "path", "v": "a/b/c"}] * 8000,
    "fractions whose divisor is looked for": [{"~": "fraction", "v": [355, 113]}] * 5000,
    "brackets": json.loads("[" + ",".join(["[" * 99 + "]" * 99] * 1200) + "]"),
    "mappings": [{}] * 80_000,
    "floats": [1.5] * 60_000,
    "text as wide as a house": {"~": "array", "d": "<U9999999", "s": [100], "v": ["a"] * 100},
}


@pytest.mark.parametrize("value", COSTLY.values(), ids=COSTLY)
def test_what_costs_more_than_it_is_long_is_refused_before_the_work_is_done(
    call: "Caller", value: object, pace: int
) -> None:
    """With blanks for the price it would be decoded, and the price would be more than a result may have."""
    content = json.dumps(value, separators=(",", ":")).encode()
    costs = DecodingBudget()
    loads(content, costs=costs)
    assert costs.spent > len(content) + FREE
    sending = (
        f"import zlib\nframe = zlib.decompress({zlib.compress(bytes([RESULT]) + len(content).to_bytes(4) + content)!r})"
    )

    began = time.thread_time()
    outcome = call(
        f"{sending}\nprint('reached', flush=True)\nwhile frame: frame = frame[os.write(3, frame):]\nos._exit(0)"
    )
    taken = time.thread_time() - began

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
    assert taken < 0.1 * pace


@pytest.mark.parametrize("kind", [0, 1, READY, SETUP_FAILED, 7, 255])
def test_a_frame_of_a_kind_that_may_not_come_is_no_result_and_never_our_fault(call: "Caller", kind: int) -> None:
    outcome = call(_send(b"walls could not be built", kind))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)


@pytest.mark.parametrize("content", [b"", b"[]", b"1", b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize("kind", [EXCEPTION, REFUSED])
def test_an_unreadable_exception_or_refusal_is_no_result(call: "Caller", kind: int, content: bytes) -> None:
    outcome = call(_send(content, kind))

    assert (outcome.status, outcome.cause) == (Status.NO_RESULT, "result_undecodable")


def test_a_forged_exception_can_only_lie_about_itself(call: "Caller") -> None:
    """Whatever kind of budget it claims, the blame stays with the code; odd fields are dropped."""
    outcome = call(_send(b'{"type":7,"message":"\\ud800","kind":"infra","raised":0,"traceback":null}', EXCEPTION))

    assert (outcome.status, outcome.blame) != (Status.INFRA, Blame.ENGINE)
    assert outcome.status in (Status.ERROR, Status.LIMIT)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("", "?")


def test_a_doubled_frame_is_no_result(call: "Caller") -> None:
    frame = b"\x02\x00\x00\x00\x011"

    outcome = call(f"print('reached', flush=True)\nos.write(3, {frame + frame!r})\nos._exit(0)")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.NO_RESULT, "result_undecodable")
    assert outcome.evidence is not None
    assert "2 frames" in str(outcome.evidence.value)


def test_bytes_after_the_frame_make_it_no_result(call: "Caller") -> None:
    outcome = call("print('reached', flush=True)\nos.write(3, b'\\x02\\x00\\x00\\x00\\x011' + b'\\x02')\nos._exit(0)")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.NO_RESULT, "result_undecodable")


def test_half_a_frame_is_no_result(call: "Caller") -> None:
    outcome = call("print('reached', flush=True)\nos.write(3, b'\\x02\\x00\\x00\\x00\\x09half')\nos._exit(0)")

    assert (outcome.stdout, outcome.status) == ("reached\n", Status.NO_RESULT)


def test_a_frame_that_announces_four_gigabytes_ends_the_run_before_any_of_them(call: "Caller") -> None:
    outcome = call(
        "print('reached', flush=True)\nos.write(3, b'\\x02\\xff\\xff\\xff\\xff')\nimport time; time.sleep(60)"
    )

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "result_size", Blame.CODE)
    assert outcome.evidence is not None
    assert (outcome.evidence.value, outcome.evidence.limit) == ((1 << 32) - 1, 256 << 10)


def test_a_value_stands_whatever_the_process_does_after_it(call: "Caller", pace: int) -> None:
    frame = b"\x02\x00\x00\x00\x011"

    outcome = call(f"os.write(3, {frame!r})\nwhile True: pass")

    assert (outcome.status, outcome.value) == (Status.OK, 1)
    assert outcome.usage.wall_ms < 400 * pace
    assert call("return 'next'").value == "next"


def test_descriptors_sent_with_a_frame_do_not_reach_the_host(call: "Caller") -> None:
    body = (
        "import array, socket\n"
        "sock = socket.socket(fileno=3)\n"
        "packed = array.array('i', [0] * 8)\n"
        "sock.sendmsg([b'\\x02\\x00\\x00\\x00\\x011'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)])\n"
        "os._exit(0)"
    )

    assert call(body).value == 1


# The file for large results is the highest descriptor that is open; from 64 KiB on, bytes go through it.
_FIND = "results = max(fd for fd in range(64) if open_fd(fd))"
_OPEN = "def open_fd(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True\n" + _FIND + "\n"
_SIZE = 1 << 16


def _refer(*references: object, write: str = "os.pwrite(results, b'x' * 65536, 0)") -> str:
    content = json.dumps([{"~": "bytes", "v": reference} for reference in references]).encode()
    return f"{_OPEN}{write}\n{_send(content)}"


def test_a_forged_reference_is_as_good_as_a_large_value(call: "Caller") -> None:
    """The control of what follows: the file and the form of a reference are these."""
    outcome = call(_refer([0, _SIZE], [1, _SIZE]))

    assert (outcome.status, outcome.value) == (Status.OK, [b"x" * _SIZE, b"x" * (_SIZE - 1) + b"\0"])


@pytest.mark.parametrize(
    "reference",
    [
        *([], [0], [0, _SIZE, 0], ["0", _SIZE], [None, _SIZE], [False, _SIZE], [0.0, _SIZE], [[0], _SIZE]),
        *([-1, _SIZE], [-_SIZE, _SIZE], [0, -_SIZE], [0, 0], [0, _SIZE - 1], [0, True]),
        *([4 * _SIZE, _SIZE], [3 * _SIZE + 1, _SIZE], [1 << 62, _SIZE], [1 << 64, _SIZE]),
    ],
    ids=str,
)
def test_a_lying_reference_is_no_result(call: "Caller", reference: list[object]) -> None:
    outcome = call(_refer(reference))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)


@pytest.mark.parametrize(
    "references", [[[0, 1 << 62]], [[0, 1 << 200]], [[0, _SIZE]] * 4, [[0, 3 * _SIZE], [0, 2 * _SIZE]]], ids=str
)
def test_references_to_more_than_a_result_may_have_end_at_its_limit(call: "Caller", references: list[object]) -> None:
    """Also when they refer to the same bytes again and again."""
    outcome = call(_refer(*references))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "result_size", Blame.CODE)


def test_the_file_for_results_can_neither_grow_nor_shrink(call: "Caller") -> None:
    body = (
        f"{_OPEN}answers = []\n"
        "for deed in (lambda: os.pwrite(results, b'x', 1 << 18), lambda: os.ftruncate(results, 1 << 19),\n"
        "             lambda: os.ftruncate(results, 0), lambda: os.posix_fallocate(results, 0, 1 << 19)):\n"
        "    try: answers.append(deed())\n"
        "    except OSError as error: answers.append(error.errno)\n"
        "return answers, os.fstat(results).st_size"
    )

    assert call(body).unwrap() == ([errno.EPERM] * 4, 1 << 18)


def test_what_the_guest_writes_after_its_frame_does_not_change_a_value(call: "Caller") -> None:
    """It is read once; each byte may be an old or a new one, and then stays."""
    frame = b'{"~":"bytes","v":[0,65536]}'
    packed = bytes([RESULT]) + len(frame).to_bytes(4, "big") + frame
    body = (
        f"{_OPEN}import mmap\nshared = mmap.mmap(results, 1 << 18)\nshared[:65536] = b'a' * 65536\n"
        f"os.write(3, {packed!r})\nwhile True: shared[:65536] = b'b' * 65536; shared[:65536] = b'c' * 65536"
    )

    outcome = call(body)

    assert isinstance(outcome.value, bytes)
    seen = bytes(outcome.value)
    assert set(seen) <= set(b"abc")
    assert call("return 'next'").value == "next"
    assert outcome.value == seen


def test_a_result_after_its_file_was_closed_is_an_error_of_the_code(call: "Caller") -> None:
    outcome = call(f"{_OPEN}os.close(results)\nreturn b'x' * 100_000")

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.ERROR, "exception", Blame.CODE)
    assert outcome.error is not None
    assert outcome.error.type == "OSError"


@pytest.mark.parametrize("size", [0, 1 << 18])
def test_a_result_into_a_file_of_the_codes_own_is_lost_on_the_code_alone(call: "Caller", size: int) -> None:
    """The host reads its own file, in which nothing was written."""
    body = (
        f"{_OPEN}own = os.open('/tmp/own', os.O_RDWR | os.O_CREAT)\nos.ftruncate(own, {size})\n"
        "os.dup2(own, results)\nreturn b'x' * 100_000"
    )

    assert call(body).unwrap() == bytes(100_000)


def test_a_call_finds_nothing_in_the_file_of_the_one_before(call: "Caller") -> None:
    body = f"{_OPEN}seen = any(os.pread(results, 1 << 18, 0))\nos.pwrite(results, b'x' * (1 << 18), 0)\nreturn seen"

    assert [call(body).unwrap() for _ in range(6)] == [False] * 6
