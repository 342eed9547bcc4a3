"""Build images: from this machine's own Python, or on top of an image that has one."""

import dataclasses
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from poet_engine import _resources
from poet_engine.errors import ImageError
from poet_engine.images import host
from poet_engine.images.client import ImageClient
from poet_engine.images.compiling import Compiler
from poet_engine.images.guest_files import guest_digest, guest_files
from poet_engine.images.recipe import Contents, Image, Recipe, changes, find, labels, minor, tag
from poet_engine.images.stream import archive
from poet_engine.images.tree import CompiledFile, File, arrange

HOST = "host"
_STEP = re.compile(r"Step ([1-9]\d*)/([1-9]\d*) : (.*)")  # how the daemon reports the start of a step

Told = Callable[[str, float], None]


@dataclasses.dataclass(frozen=True, slots=True)
class ImageBuilder:
    """Builds images at one daemon.

    Attributes:
        engine: The client of the daemon.
        version: The version of poet-engine, for their labels.
        told: Called with the current step as text, and the share that is done, from 0 to 1.
    """

    engine: ImageClient
    version: str
    told: Told

    def from_host(self, recipe: Recipe) -> Image:
        """Import an image made of this machine's interpreter, library and distributions.

        Raises:
            ImageError: A file that belongs into it is missing here, or cannot be read.
            DockerError: The daemon could not take it.
        """
        contents = host.contents(recipe)
        self.told(f"{recipe.name}: looking for its files", 0.0)
        try:
            entries = host.entries(recipe)
            with Compiler([entry for entry in entries if isinstance(entry, CompiledFile)]) as compiler:
                pieces = archive(entries, compiler, self._share_of(f"{recipe.name}: importing {len(entries)} files"))
                found = self.engine.import_archive(
                    pieces, tag(contents), changes(contents, version=self.version, made_from=HOST)
                )
        except OSError as error:
            raise ImageError(
                f"the image {recipe.name!r} cannot be made, because {error.filename or 'a file'} cannot be read: "
                f"{error.strerror}; mend that, or build from an image: poet images build {recipe.name} --base IMAGE"
            ) from error
        self.told(f"{recipe.name}: done", 1.0)
        return self.engine.image(found)

    def from_base(self, recipe: Recipe, base: str) -> Image:
        """Build the recipe's Dockerfile on a base image with the same Python; first the base recipe, if it is another.

        Raises:
            ImageError: The base image's Python is not the one that the gate scans for.
            DockerError: The daemon could not build it.
        """
        poet_base = None if recipe.name == "base" else self.from_base(find("base"), base)
        contents = _contents_of(recipe)
        arguments = {"BASE": base, "SITE": host.packages_folder(), "MINOR": minor(contents.python)}
        if poet_base is not None:
            arguments["POET_BASE"] = poet_base.tags[0]
        named = labels(contents, version=self.version, made_from=base)
        steps = self.engine.build(_context(recipe), tag(contents), _declared(recipe, arguments), named)
        for line in steps:
            if found := _STEP.match(line):
                self.told(f"{recipe.name}: {found[3]}", (int(found[1]) - 1) / int(found[2]))
        self.told(f"{recipe.name}: done", 1.0)
        return self.engine.image(tag(contents))

    def _share_of(self, doing: str) -> Callable[[int, int], None]:
        return lambda done, total: self.told(doing, done / total)


def _contents_of(recipe: Recipe) -> Contents:
    pinned = dict(_pinned(recipe))
    everything = {**recipe.modules, **recipe.further}
    return Contents(
        name=recipe.name,
        guest=guest_digest(),
        python=platform.python_version(),
        modules=frozenset(everything[name] for name in pinned),
        distributions=pinned,
    )


def _folder(recipe: Recipe) -> Path:
    return _resources.folder("sandbox_images") / recipe.name


def _pinned(recipe: Recipe) -> Iterator[tuple[str, str]]:
    path = _folder(recipe) / "requirements.txt"
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        name, exact, version = line.partition("==")
        if exact and not line.startswith("#"):
            yield name, version


def _declared(recipe: Recipe, arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments that the Dockerfile declares: the daemon refuses others."""
    text = (_folder(recipe) / "Dockerfile").read_text(encoding="utf-8")
    asked = {line.removeprefix("ARG ").partition("=")[0] for line in text.splitlines() if line.startswith("ARG ")}
    return {name: value for name, value in arguments.items() if name in asked}


def _context(recipe: Recipe) -> Iterator[bytes]:
    """Yield the archive of the recipe's own files and the guest."""
    own = [File(f"/{path.name}", path) for path in sorted(_folder(recipe).iterdir()) if path.is_file()]
    guest = [File(f"/guest/{Path(file.path).name}", file.content) for file in guest_files()]
    return archive(arrange([*own, *guest]), lambda _: None, lambda _done, _total: None)
