"""The root file system that an image is made of, without an engine: this machine's own Python, nothing else of it."""

import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from poet_engine import images
from poet_engine.images import host
from poet_engine.images.compiling import Compiler
from poet_engine.images.stream import archive
from poet_engine.images.tree import CompiledFile, Entry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="an image is made of a Python for Linux"),
]


def _written(entries: list[Entry]) -> bytes:
    with Compiler([entry for entry in entries if isinstance(entry, CompiledFile)]) as compiler:
        return b"".join(archive(entries, compiler, lambda _done, _total: None))


def test_the_archive_is_the_same_twice_and_holds_no_path_of_this_machine() -> None:
    """Where Python lies here is known to the binaries alone; whose machine it is, to nothing."""
    first, second = (_written(host.entries(images.find("base"))) for _ in range(2))
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    hidden = [
        os.fsencode(path) for path in {sys.prefix, sys.base_prefix, str(Path.home())} if len(Path(path).parts) > 2
    ]
    telling: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(first)) as found:
        names = found.getnames()
        for member in found:
            file = found.extractfile(member) if member.isreg() else None
            content = file.read() if file is not None else b""
            if not content.startswith(b"\x7fELF") and any(path in content for path in hidden):
                telling.append(member.name)
    assert telling == []
    assert len(names) == len(set(names)) > 500


def test_what_the_guest_must_have_is_in_it() -> None:
    paths = {entry.path for entry in host.entries(images.find("base"))}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert {"/usr/local/bin/python3", f"/usr/local/bin/python{version}", "/tmp", "/etc/passwd"} <= paths  # noqa: S108 - the image's
    assert {"/opt/poet/poet_guest/__init__.py", "/opt/poet/poet_guest/payload.py"} <= paths
    assert any(path.endswith("/libc.so.6") for path in paths)
    assert not any("site-packages" in path or path.endswith("/sh") for path in paths)
