"""Run one module of CPython's `test` package and log each test's outcome; tools/cpython_suite.py starts it.

It runs outside and inside of a sandbox, so it needs the standard library only. `skipped.json` names the tests that are
left out, `log.jsonl` gets a line when a test begins and one when it has ended.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import traceback
import unittest
from pathlib import Path
from types import TracebackType

Caught = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

PROGRAMS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"}
NETWORK = {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}


class Recorder(unittest.TestResult):
    """Writes a line at the beginning and at the end of each test.

    Args:
        descriptor: Where the lines go.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._outcome, self._observed = descriptor, "", ""
        self._pid, self._test = os.getpid(), ""

    def log(self, test: object, outcome: str) -> None:
        """Write a line, in one call of the kernel: the run may end at any time."""
        name = test.id() if isinstance(test, unittest.TestCase) else str(test)
        line = json.dumps({"test": name, "outcome": outcome, "observed": self._observed})
        os.write(self._descriptor, line.encode() + b"\n")

    def observe(self, deed: str) -> None:
        """Note what the test does that no sandbox lets it do; of a child of its own this is the only trace."""
        self._observed = self._observed or deed
        if self._test and os.getpid() != self._pid:
            self.log(self._test, "begun")

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        """Log that it begins."""
        super().startTest(test)
        self._outcome, self._observed, self._test = "ok", "", test.id()
        self.log(test, "begun")

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        """Log the outcome."""
        self.log(test, self._outcome)
        self._observed = self._test = ""
        super().stopTest(test)

    def _end(self, test: object, outcome: str) -> None:
        self._outcome = outcome
        if not isinstance(test, unittest.TestCase):  # of a class or a module, which begins and ends no test
            self.log(test, outcome)

    def addError(self, test: unittest.TestCase, err: Caught) -> None:  # noqa: N802 - unittest's name
        """Note an error."""
        self._end(test, f"error {err[0].__name__ if err[0] else None}")
        self._explain(test, err)

    def addFailure(self, test: unittest.TestCase, err: Caught) -> None:  # noqa: N802 - unittest's name
        """Note a failure."""
        self._end(test, "failure")
        self._explain(test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Caught | None) -> None:  # noqa: N802 - unittest's name
        """Note the failure of a part."""
        if err is not None:
            self._end(test, "failure of a part")
            self._explain(subtest, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: ARG002, N802 - unittest's name
        """Note that it was skipped."""
        self._end(test, "skipped")

    def addExpectedFailure(self, test: unittest.TestCase, err: Caught) -> None:  # noqa: ARG002, N802 - unittest's name
        """Note a failure that it expects."""
        self._end(test, "expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        """Note a success that it does not expect."""
        self._end(test, "unexpected success")

    def _explain(self, test: object, err: Caught) -> None:
        if "--verbose" in sys.argv:
            text = "".join(traceback.format_exception(err[1]))
            os.write(2, f"{test}\n{text}\n".encode(errors="replace"))


def chosen(tests: unittest.TestSuite, left_out: set[str]) -> unittest.TestSuite:
    """The suite without what is left out; a suite's own class is kept, since it may prepare something."""
    kept = [
        chosen(test, left_out) if isinstance(test, unittest.TestSuite) else test
        for test in tests
        if isinstance(test, unittest.TestSuite) or test.id() not in left_out
    ]
    return type(tests)(kept)


def main() -> None:
    """Run the module that the first argument names."""
    vars(importlib.import_module("test.support")).update(use_resources=(), verbose=False)
    recorder = Recorder(os.open("log.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644))

    def observe(event: str, args: tuple[object, ...]) -> None:
        if event in PROGRAMS:
            recorder.observe("programs")
        elif event in NETWORK or (event == "socket.__new__" and args[1] not in (-1, 1)):
            recorder.observe("network")

    sys.addaudithook(observe)
    left_out = set(json.loads(Path("skipped.json").read_text(encoding="utf-8")))
    name = sys.argv[1]
    try:
        tests = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"test.{name}"))
    except unittest.SkipTest:
        recorder.log(f"import of {name}", "skipped")
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the module's outcome
        recorder.log(f"import of {name}", f"error {type(error).__name__}")
        return
    with contextlib.redirect_stdout(io.StringIO()):
        chosen(tests, left_out).run(recorder)


if __name__ == "__main__":
    main()
