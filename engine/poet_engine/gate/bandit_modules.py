"""Load the modules of bandit that a scan needs, without those that only its own command does.

bandit imports rich for a progress bar, which takes a third of the time that loading bandit takes. A scan shows none.
"""

import contextlib
import sys
import types
from collections.abc import Iterator

_PACKAGE, _MODULE = "rich", "rich.progress"


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Have an empty module found in place of rich, unless it is loaded already."""
    if _PACKAGE in sys.modules:
        yield
        return
    package, module = types.ModuleType(_PACKAGE), types.ModuleType(_MODULE)
    package.__dict__["progress"] = module
    sys.modules.update({_PACKAGE: package, _MODULE: module})
    try:
        yield
    finally:
        del sys.modules[_PACKAGE], sys.modules[_MODULE]


try:
    with _without_progress_bars():
        from bandit.core import config, meta_ast, metrics, node_visitor, test_set, tester, utils
except (ImportError, AttributeError):  # a bandit that uses more of rich while it is loaded
    from bandit.core import config, meta_ast, metrics, node_visitor, test_set, tester, utils

__all__ = ["config", "meta_ast", "metrics", "node_visitor", "test_set", "tester", "utils"]
