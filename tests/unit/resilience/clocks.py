"""Time and chance that a test decides."""


class Clock:
    """Stands still until it is told."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so much time pass; also a way to pause."""
        self.now += seconds

    async def aadvance(self, seconds: float) -> None:
        """The same, for tasks."""
        self.now += seconds
