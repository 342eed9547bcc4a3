"""A handle that is made when it is first used: loading what calls need takes longer than most programs to start."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, ParamSpec

from poet_engine._fork import ForkedLock
from poet_engine.decorator.options import Options

if TYPE_CHECKING:
    from poet_engine.decorator.handle import PoetHandle

_Params = ParamSpec("_Params")


class DeferredHandle(Generic[_Params]):
    """Stands for a `PoetHandle`, and has all that it has. Thread-safe.

    Args:
        function: The user's own.
        options: What was given to `@poet`.
    """

    __slots__ = ("_function", "_handle", "_lock", "_options")

    def __init__(self, function: Callable[_Params, object], options: Options) -> None:
        self._function, self._options = function, options
        self._handle: PoetHandle[_Params] | None = None
        self._lock = ForkedLock()

    def __repr__(self) -> str:
        return repr(self.handle)

    def __getattr__(self, name: str) -> object:
        return getattr(self.handle, name)

    @property
    def handle(self) -> "PoetHandle[_Params]":
        """The handle itself."""
        if self._handle is None:
            from poet_engine.decorator.handle import PoetHandle  # noqa: PLC0415 - see above

            with self._lock:
                if self._handle is None:
                    self._handle = PoetHandle(self._function, self._options)
        return self._handle

    async def from_a_task(self) -> "PoetHandle[_Params]":
        """The handle itself; the event loop does not wait while it is loaded."""
        if self._handle is not None:
            return self._handle
        import asyncio  # noqa: PLC0415 - there is a loop, so it is loaded

        return await asyncio.to_thread(lambda: self.handle)
