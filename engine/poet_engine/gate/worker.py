"""The worker process that parses hostile sources: no environment, no files, bounded memory, a time limit per task.

Started by `worker_client.py` with a socket as its standard input. It ends when that socket does, when a task takes too
long (the kernel ends it, even inside one call of C code), or when its host is gone.
"""

import ast
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

from poet_engine.gate import frames
from poet_engine.gate.bandit_scan import BanditScan
from poet_engine.gate.module_exports import ModuleExports, exports
from poet_engine.gate.notebook_cells import python_cells
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance, Caps, Ruleset
from poet_engine.gate.scan import scan
from poet_engine.gate.undecorate import undecorate
from poet_engine.outcome import Finding, Severity

_POLICIES = 32
_IDLE = 5.0
_LEARNING = 10  # a policy comes from our own host and may name libraries that take a while to look through


class Worker:
    """The request loop of one worker.

    Args:
        channel: The socket to the host.
        host: The host's process id: when our parent is another process, the host has ended.
        seconds: Processor time for each task.
    """

    def __init__(self, channel: socket.socket, *, host: int, seconds: float) -> None:
        self._channel, self._host, self._seconds = channel, host, seconds
        self._bandit = BanditScan()
        self._rulesets: dict[str, Ruleset] = {}

    def run(self) -> None:
        """Answer tasks until the host closes its end."""
        self._send({"ready": True})
        while (head := self._read(frames.HEAD)) is not None:
            body = self._read(frames.length(head))
            if body is None:
                return
            # The timer counts our own processor time, so a busy machine rejects no source. Its signal ends the process.
            signal.setitimer(signal.ITIMER_PROF, self._seconds)
            try:
                answer = self._answer(frames.decode(body))
            except MemoryError:
                self._send({"exhausted": True})
                return  # the state of the interpreter is unknown now
            except Exception as error:  # noqa: BLE001 - whatever it is, the source was not scanned, and the host reports it
                answer = {"failed": type(error).__name__}
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            self._send(answer)
            gc.collect()  # between two tasks, where it delays no answer

    def _answer(self, task: Mapping[str, object]) -> dict[str, object]:
        match task:
            case {"do": "learn", "digest": str() as digest, "policy": dict() as policy}:
                if len(self._rulesets) >= _POLICIES:
                    self._rulesets.clear()
                signal.setitimer(signal.ITIMER_PROF, self._seconds * _LEARNING)
                self._rulesets[digest] = _ruleset(policy)
                return {"learnt": list(self._rulesets)}
            case {"do": "exports", "source": str() as source, "package": str() as package}:
                return _exports(source, package)
            case {"do": "scan", "digest": str() as digest, "source": str() as source, "package": str() as package}:
                absent: dict[str, str] = {}
                findings, cause = scan(source, self._rulesets[digest], self._run_bandit, absent, package)
                return {"findings": [_plain(finding) for finding in findings], "cause": cause, "absent": absent}
            case {"do": "cells", "cells": list() as cells}:
                return {"cells": python_cells(map(str, cells))}
            case {"do": "undecorate", "source": str() as source}:
                try:
                    return {"source": undecorate(source)}
                except (SyntaxError, ValueError, RecursionError) as error:
                    line: object = getattr(error, "lineno", None)
                    return {"error": getattr(error, "msg", None) or str(error), "line": line}
            case _:
                raise AssertionError("the host sends no other task")

    def _run_bandit(self, tree: ast.Module, text: str, rules: Ruleset, reporter: Reporter) -> None:
        """Run bandit, and announce it first: if it ends this process, the host knows which scanner did."""
        self._send({"second": True})
        self._bandit.check(tree, text, rules, reporter)

    def _send(self, message: Mapping[str, object]) -> None:
        self._channel.sendall(frames.encode(message))

    def _read(self, size: int) -> bytes | None:
        """Return exactly `size` bytes; None where the host closed its end or has ended."""
        received = bytearray()
        while len(received) < size:
            try:
                part = self._channel.recv(min(size - len(received), 2**20))
            except TimeoutError:
                if os.getppid() != self._host:
                    return None
                continue
            if not part:
                return None
            received += part
        return bytes(received)


def _exports(source: str, package: str) -> dict[str, object]:
    """Return the names of a module; none of one that does not parse, which its own scan will say."""
    try:
        found = exports(source, package)
    except (SyntaxError, ValueError, RecursionError):
        found = ModuleExports((), {}, ())
    return {"own": list(found.own), "given_on": found.given_on, "imports": list(found.imports)}


def _plain(finding: Finding) -> list[object]:
    return [
        finding.rule,
        finding.severity.value,
        finding.message.encode("utf-8", "replace").decode(),
        finding.line,
        finding.column,
        finding.end_line,
        finding.end_column,
        finding.snippet.encode("utf-8", "replace").decode(),
        finding.scanner,
        finding.fingerprint,
    ]


def _ruleset(policy: Mapping[str, object]) -> Ruleset:
    """Return the ruleset of a policy as `Gate` sends it.

    It comes from our own host, so a wrong one is a bug and ends the worker.
    """
    match policy:
        case {
            "imports": dict() as imports,
            "caps": [int() as size, int() as lines, int() as nodes, int() as depth],
            "bandit": [str() as severity, str() as confidence],
            "memory": int() as memory,
            "enforced": bool() as enforced,
        }:
            return Ruleset(
                Allowance({str(module): [str(name) for name in names] for module, names in imports.items()}),
                Caps(size, lines, nodes, depth),
                Severity(severity),
                Severity(confidence),
                memory,
                enforced,
            )
        case _:
            raise AssertionError("the host sends whole policies")


def confine(memory: int) -> None:
    """Give up what parsing does not need: files, children, core dumps, and memory beyond `memory` bytes more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    with contextlib.suppress(FileNotFoundError):  # only Linux has it, and only there the limit means something
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        total = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (total, total))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def main(host: int, seconds: float, memory: int) -> None:
    """Run one worker on standard input."""
    sys.dont_write_bytecode = True
    warnings.simplefilter("ignore")  # the parser warns about strings of the source; nobody reads it here
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    channel = socket.socket(fileno=os.dup(0))
    channel.settimeout(_IDLE)
    worker = Worker(channel, host=host, seconds=seconds)
    gc.disable()
    gc.freeze()
    confine(memory)
    with Path(os.devnull).open("wb") as nowhere:  # standard error is not read from here on
        os.dup2(nowhere.fileno(), 2)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the host ended during an answer
        worker.run()
