"""Import the libraries that decoding a value may need: installed ones, never a file of the working folder."""

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def library(name: str) -> "ModuleType":
    """Import a package that is loaded or installed.

    An answer that holds an array has the host import numpy, and `python -c` and notebooks look into the working folder
    first: a file there must not run because of what a call answers.

    Raises:
        ImportError: It is not installed, or it lies in the working folder.
    """
    if name not in sys.modules:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or not spec.submodule_search_locations:
            raise ImportError(f"{name} is not installed")
        folder = os.path.dirname(os.path.dirname(spec.origin))
        if os.path.realpath(folder) == os.path.realpath(os.curdir):
            raise ImportError(f"{name} lies in the working folder")
    return importlib.import_module(name)
