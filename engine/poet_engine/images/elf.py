"""Read from an executable which loader starts it."""

import struct
from pathlib import Path

# System V ABI, chapters 4 and 5: the 64-bit header, and the entry of a program header table
_MAGIC = b"\x7fELF\x02"
_AT_TABLE, _AT_ENTRY_SIZE = 0x20, 0x36
_INTERPRETER = 3
_MOST_ENTRIES = 64


def loader(executable: Path) -> str | None:
    """Return the absolute path of an executable's loader; None for what is no dynamic 64-bit executable."""
    with executable.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or not header.startswith(_MAGIC):  # noqa: PLR2004 - the header's size
            return None
        (table,) = struct.unpack_from("<Q", header, _AT_TABLE)
        size, count = struct.unpack_from("<HH", header, _AT_ENTRY_SIZE)
        for number in range(min(count, _MOST_ENTRIES)):
            file.seek(table + number * size)
            kind, _flags, offset, _vaddr, _paddr, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == _INTERPRETER:
                file.seek(offset)
                return file.read(min(length, 4096)).rstrip(b"\0").decode()
    return None
