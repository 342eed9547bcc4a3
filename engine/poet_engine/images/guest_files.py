"""List the guest's code for images, and its digest: one copy, from the one place where it lives."""

import functools
import hashlib
from pathlib import Path

from poet_engine import guest
from poet_engine.images.recipe import GUEST_FOLDER
from poet_engine.images.tree import File


def guest_files() -> list[File]:
    """Return the guest's modules, sorted by name."""
    folder = Path(guest.__file__).parent
    return [File(f"{GUEST_FOLDER}/{path.name}", path) for path in sorted(folder.glob("*.py"))]


@functools.cache
def guest_digest() -> str:
    """Return the SHA-256 (hex) over the names and contents of the guest's modules."""
    summed = hashlib.sha256()
    for file in guest_files():
        content = Path(str(file.content)).read_bytes()
        summed.update(f"{file.path}\0{len(content)}\0".encode() + content)
    return summed.hexdigest()
