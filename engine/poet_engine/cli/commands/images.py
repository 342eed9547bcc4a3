"""`poet images`: the images of the Docker sandbox."""

import contextlib
import datetime as dt
import platform
from collections.abc import Iterator, Sequence
from typing import Annotated, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn

from poet_engine._env import Settings
from poet_engine._text import for_terminal
from poet_engine._version import VERSION
from poet_engine.cli.console import Screen
from poet_engine.cli.options import JsonOption, examples, new_app
from poet_engine.dockerd import DEFAULT_HOST, faults
from poet_engine.errors import DockerError, UsageError
from poet_engine.images import (
    RECIPES,
    Image,
    ImageBuilder,
    ImageClient,
    find,
    guest_digest,
    to_prune,
    why_stale,
)

_MEGABYTE = 1_000_000
_WIDEST = 100  # characters

app = new_app("Build, list and remove the images of the Docker sandbox.", "poet images build", "poet images list")


@app.command(epilog=examples("poet images build", "poet images build data --base python:3.11-slim"))
def build(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="base, data, or both (the default).")
    ] = None,
    *,
    base: Annotated[
        str | None, typer.Option("--base", metavar="IMAGE", help="Build on this image, such as python:3.11-slim.")
    ] = None,
    from_host: Annotated[
        bool, typer.Option("--from-host", help="Make them of this machine's own Python (the default); no registry.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Build images for the Docker sandbox."""
    if base is not None and from_host:
        raise UsageError(
            "--base builds on an image and --from-host on this machine's own Python: leave out one of them"
        )
    screen = Screen.standard(as_json=as_json)
    recipes = [find(name) for name in dict.fromkeys(names or RECIPES)]
    with _engine() as engine, _BuildProgress(screen) as progress:
        builder = ImageBuilder(engine, VERSION, progress)
        built = [builder.from_host(recipe) if base is None else builder.from_base(recipe, base) for recipe in recipes]
    _print(screen, built)
    return 0


@app.command("list", epilog=examples("poet images list --json"))
def show(*, as_json: JsonOption = False) -> int:
    """List the images of the Docker sandbox, and which are out of date."""
    screen = Screen.standard(as_json=as_json)
    with _engine() as engine:
        found = engine.images()
    if not found:
        screen.line("There are no images yet; build them: poet images build")
    _print(screen, found)
    return 0


@app.command(epilog=examples("poet images prune", "poet images prune --all"))
def prune(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Remove those that still serve, too.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Remove images of the Docker sandbox that are out of date.

    Exits with 1 when one that nobody uses could not be removed.
    """
    screen = Screen.standard(as_json=as_json)
    removed, kept, failed = [], [], False
    with _engine() as engine:
        doomed = to_prune(
            engine.images(), guest=guest_digest(), python=platform.python_version(), everything=everything
        )
        for image in doomed:
            try:
                engine.remove(image)
            except DockerError as error:
                kept.append(image)
                failed |= error.fault != faults.IN_USE  # one that a container runs from is left to the next time
                screen.note(str(error))
            else:
                removed.append(image)
                screen.line(f"removed {_name(image)}")
    screen.line(f"{len(removed)} removed, {_size(sum(image.size for image in removed))}")
    screen.document({"removed": [_plain(image) for image in removed], "kept": [_plain(image) for image in kept]})
    return int(failed)


@contextlib.contextmanager
def _engine() -> Iterator[ImageClient]:
    with ImageClient(Settings.read().docker_host or DEFAULT_HOST) as engine:
        yield engine


def _stale(image: Image) -> str | None:
    return why_stale(image.contents, guest=guest_digest(), python=platform.python_version())


def _name(image: Image) -> str:
    return image.tags[0] if image.tags else "(no tag)"


def _size(number: int) -> str:
    return f"{number / _MEGABYTE:.0f} MB"


def _print(screen: Screen, images: Sequence[Image]) -> None:
    screen.document({"images": [_plain(image) for image in images]})
    if images:
        rows = [
            (
                _name(image),
                image.id.removeprefix("sha256:")[:12],
                image.contents.python,
                _size(image.size),
                image.made_from,
                _stale(image) or "serves",
            )
            for image in images
        ]
        screen.table(("image", "id", "python", "size", "made from", "state"), rows)


def _plain(image: Image) -> dict[str, object]:
    return {
        "id": image.id,
        "tags": list(image.tags),
        "name": image.contents.name,
        "guest": image.contents.guest,
        "python": image.contents.python,
        "modules": sorted(image.contents.modules),
        "distributions": dict(image.contents.distributions),
        "version": image.version,
        "made_from": image.made_from,
        "size": image.size,
        "created": dt.datetime.fromtimestamp(image.created, dt.UTC).isoformat(),
        "stale": _stale(image),
    }


class _BuildProgress:
    """The progress of a build on standard error: a bar on a terminal, elsewhere a line for each step."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._doing = ""
        self._bar = (
            Progress(BarColumn(), TextColumn("{task.description}", markup=False), console=screen.errors)
            if screen.errors.is_terminal
            else None
        )

    def __call__(self, doing: str, share: float) -> None:
        doing = for_terminal(doing).replace("\n", " ")[:_WIDEST]
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=doing, completed=share)
        elif doing != self._doing:
            self._screen.note(doing)
        self._doing = doing

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.add_task("", total=1.0)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
