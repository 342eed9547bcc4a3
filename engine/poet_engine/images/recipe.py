"""What an image is called, holds and says of itself; which one fits, and which are out of date. Pure."""

import dataclasses
import shlex
import sys
from collections.abc import Collection, Iterable, Mapping

from poet_engine.errors import ImageError

REPOSITORY = "poet-engine"
# A number, since the user of an image need not have a name there. Each container runs as one of its own anyway; this is
# what somebody gets who starts the image by hand.
USER = "65534:65534"
GUEST_FOLDER = "/opt/poet/poet_guest"
INTERPRETER = "/usr/local/bin/python3"
# -I: no environment, no user's packages; -S: no .pth files; -B: the root is read-only
ENTRYPOINT = (INTERPRETER, "-I", "-S", "-B")

_PREFIX = "org.poet-engine."
LABEL_NAME, LABEL_GUEST, LABEL_PYTHON = f"{_PREFIX}image", f"{_PREFIX}guest", f"{_PREFIX}python"
LABEL_MODULES, LABEL_DISTRIBUTIONS = f"{_PREFIX}modules", f"{_PREFIX}distributions"
LABEL_VERSION, LABEL_MADE_FROM = f"{_PREFIX}version", f"{_PREFIX}made-from"
_SHOWN_DIGEST = 16  # of 64 hexadecimal digits: tags are read by people, the label has all of them


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """What an image holds besides the standard library and the guest.

    Attributes:
        name: What it is called.
        modules: Distribution → the top-level module it is there for. Without one of them there is no such image.
        further: The same for those that are taken along where the host has them.
        mend: How to get what is missing.
    """

    name: str
    modules: Mapping[str, str] = dataclasses.field(hash=False)
    further: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    mend: str = ""


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("base", {}),
        Recipe(
            "data",
            {"numpy": "numpy", "scipy": "scipy", "pandas": "pandas"},
            {"scikit-learn": "sklearn"},
            "pip install 'poet-engine[data]'",
        ),
    )
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What decides whether an image is the right one.

    Attributes:
        name: The recipe's name.
        guest: SHA-256 (hex) of the guest's files.
        python: The interpreter's version, such as `3.11.7`.
        modules: Top-level modules beside the standard library that code may import.
        distributions: Distribution → version.
    """

    name: str
    guest: str
    python: str
    modules: frozenset[str] = frozenset()
    distributions: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that an engine has.

    Attributes:
        id: `sha256:…`, by which containers are made from it: a tag may have moved meanwhile.
        tags: Its names, for people.
        contents: What its labels say.
        version: The version of poet-engine that built it.
        made_from: `host`, or the name of its base image.
        size: Bytes on disk.
        created: Seconds since 1970.
    """

    id: str
    tags: tuple[str, ...]
    contents: Contents
    version: str
    made_from: str
    size: int
    created: int


def find(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ImageError: There is none.
    """
    if name not in RECIPES:
        raise ImageError(f"there is no recipe for an image {name!r}; there are: {', '.join(RECIPES)}")
    return RECIPES[name]


def minor(python: str) -> str:
    """`3.11` of `3.11.7`."""
    return ".".join(python.split(".")[:2])


def tag(contents: Contents) -> str:
    """The name for people: two interpreters, or two versions of the guest, do not take it from each other."""
    return f"{REPOSITORY}/{contents.name}:{minor(contents.python)}-{contents.guest[:_SHOWN_DIGEST]}"


def labels(contents: Contents, *, version: str, made_from: str) -> dict[str, str]:
    """What the image says of itself."""
    return {
        LABEL_NAME: contents.name,
        LABEL_GUEST: contents.guest,
        LABEL_PYTHON: contents.python,
        LABEL_MODULES: " ".join(sorted(contents.modules)),
        LABEL_DISTRIBUTIONS: " ".join(
            f"{name}=={contents.distributions[name]}" for name in sorted(contents.distributions)
        ),
        LABEL_VERSION: version,
        LABEL_MADE_FROM: made_from,
    }


def read_labels(found: Mapping[str, str]) -> Contents | None:
    """What labels say; None for an image that is not one of ours."""
    if LABEL_NAME not in found or LABEL_GUEST not in found:
        return None
    pairs = (entry.partition("==") for entry in found.get(LABEL_DISTRIBUTIONS, "").split())
    return Contents(
        name=found[LABEL_NAME],
        guest=found[LABEL_GUEST],
        python=found.get(LABEL_PYTHON, ""),
        modules=frozenset(found.get(LABEL_MODULES, "").split()),
        distributions={name: version for name, _, version in pairs},
    )


def changes(contents: Contents, *, version: str, made_from: str) -> list[str]:
    """The lines of a Dockerfile that an imported file system is given; quoted as Docker reads them."""
    made = labels(contents, version=version, made_from=made_from)
    quoted = ", ".join(f'"{word}"' for word in ENTRYPOINT)
    return [
        *(f'LABEL {name}="{value}"' for name, value in made.items()),
        f"USER {USER}",
        "WORKDIR /tmp",
        f"ENTRYPOINT [{quoted}]",
    ]


def why_stale(image: Contents, *, guest: str, python: str) -> str | None:
    """Why an image cannot serve this installation; None when it can."""
    if image.guest != guest:
        return "its guest code is not that of this poet-engine"
    if minor(image.python) != minor(python):
        # the gate parses with the host's grammar what the guest compiles with its own
        return f"it has Python {image.python}, and the gate scans for Python {minor(python)}"
    return None


def modules_needed(imports: Iterable[str]) -> frozenset[str]:
    """The top-level modules that an image must bring, of those that a policy imports or preloads.

    What recipes only take along is not among them: where it is missing, importing it fails, as it does on this machine.
    """
    taken_along = {module for recipe in RECIPES.values() for module in recipe.further.values()}
    return frozenset(name.partition(".")[0] for name in imports) - sys.stdlib_module_names - taken_along


def build_command(name: str, made_from: str = "host") -> str:
    """What builds an image anew."""
    return f"poet images build {name} " + ("--from-host" if made_from == "host" else f"--base {shlex.quote(made_from)}")


def recipe_for(modules: Collection[str]) -> Recipe | None:
    """The smallest recipe that brings these modules; None when none does."""
    fitting = (
        recipe for recipe in RECIPES.values() if {*modules} <= {*recipe.modules.values(), *recipe.further.values()}
    )
    return min(fitting, key=lambda recipe: len(recipe.modules), default=None)


def choose(images: Iterable[Image], modules: Collection[str], *, guest: str, python: str) -> Image:
    """The image for code that may import these modules: of those that serve, the smallest, then the newest.

    Args:
        images: What the engine has.
        modules: What `modules_needed` says.
        guest: SHA-256 (hex) of this installation's guest.
        python: This interpreter's version.

    Raises:
        ImageError: There is none; it names the command that builds it.
    """
    bringing = [image for image in images if {*modules} <= image.contents.modules]
    fresh = [image for image in bringing if why_stale(image.contents, guest=guest, python=python) is None]
    if fresh:
        return min(fresh, key=lambda image: (len(image.contents.modules), -image.created, image.id))
    if bringing:
        newest = max(bringing, key=lambda image: image.created)
        why = why_stale(newest.contents, guest=guest, python=python)
        command = build_command(newest.contents.name, newest.made_from)
        raise ImageError(f"the image {shown(newest)} is out of date: {why}; build it anew: {command}")
    recipe = recipe_for(modules)
    wanted = f"an image with {', '.join(sorted(modules))}" if modules else "an image"
    if recipe is None:
        raise ImageError(
            f"the policy needs {wanted}, and no recipe brings all of them ({', '.join(RECIPES)}); "
            "allow fewer modules, or use sandbox='process'"
        )
    raise ImageError(f"the Docker engine does not have {wanted} yet; build it: {build_command(recipe.name)}")


def shown(image: Image) -> str:
    """An image's name, or the start of its digest."""
    return image.tags[0] if image.tags else image.id.removeprefix("sha256:")[:12]


def to_prune(images: Iterable[Image], *, guest: str, python: str, everything: bool) -> list[Image]:
    """The images of ours that serve nobody here: stale, or replaced by a newer one that took the tag."""
    return [
        image
        for image in images
        if everything or not image.tags or why_stale(image.contents, guest=guest, python=python) is not None
    ]
