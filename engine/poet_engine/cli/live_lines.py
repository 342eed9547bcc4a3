"""Lines of a run's output, printed on a terminal while the run goes on."""

from poet_engine.cli.console import Screen


class LiveLines:
    """A callback for `on_output` that prints whole lines.

    Args:
        screen: A screen that is a terminal.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._rest: dict[str, str] = {}

    def __call__(self, stream: str, text: str) -> None:
        """Print the lines that are whole now."""
        *lines, self._rest[stream] = (self._rest.get(stream, "") + text).split("\n")
        for line in lines:
            self._screen.line(line)

    def finish(self) -> None:
        """Print lines that never came to their end."""
        for rest in self._rest.values():
            if rest:
                self._screen.line(rest)
        self._rest.clear()
