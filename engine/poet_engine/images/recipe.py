"""Name, label and choose images: their contents, the one that fits, and those that are out of date. Pure."""

import dataclasses
import shlex
import sys
from collections.abc import Collection, Iterable, Mapping

from poet_engine.errors import ImageError

REPOSITORY = "poet-engine"
# A number, since the user of an image need not have a name there. Each container runs as one of its own anyway; this
# one is for images that are started by hand.
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
    """The modules of an image besides the standard library and the guest.

    Attributes:
        name: The image's name.
        modules: Distribution → its top-level module. Without one of them the image cannot be made.
        further: Distribution → its top-level module, for those that are taken along where the host has them.
        mend: The command that installs what is missing.
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
    """The contents of an image, by which the right one is chosen.

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
    """An image that a daemon has.

    Attributes:
        id: `sha256:…`, by which containers are made from it: a tag may have moved meanwhile.
        tags: Its names, for people.
        contents: The contents that its labels describe.
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
    """Return the recipe of that name.

    Raises:
        ImageError: No recipe has that name.
    """
    if name not in RECIPES:
        raise ImageError(f"there is no recipe for an image {name!r}; there are: {', '.join(RECIPES)}")
    return RECIPES[name]


def minor(python: str) -> str:
    """Return `3.11` of `3.11.7`."""
    return ".".join(python.split(".")[:2])


def tag(contents: Contents) -> str:
    """Return the image's name for people: no two interpreters, or versions of the guest, share one."""
    return f"{REPOSITORY}/{contents.name}:{minor(contents.python)}-{contents.guest[:_SHOWN_DIGEST]}"


def labels(contents: Contents, *, version: str, made_from: str) -> dict[str, str]:
    """Return the image's labels."""
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
    """Return the contents that labels describe; None for an image that is not one of ours."""
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
    """Return the Dockerfile lines for an imported file system; quoted as Docker reads them."""
    made = labels(contents, version=version, made_from=made_from)
    quoted = ", ".join(f'"{word}"' for word in ENTRYPOINT)
    return [
        *(f'LABEL {name}="{value}"' for name, value in made.items()),
        f"USER {USER}",
        "WORKDIR /tmp",
        f"ENTRYPOINT [{quoted}]",
    ]


def why_stale(image: Contents, *, guest: str, python: str) -> str | None:
    """Return why an image cannot serve this installation; None when it can."""
    if image.guest != guest:
        return "its guest code is not that of this poet-engine"
    if minor(image.python) != minor(python):
        # the gate parses with the host's grammar what the guest compiles with its own
        return f"it has Python {image.python}, and the gate scans for Python {minor(python)}"
    return None


def modules_needed(imports: Iterable[str]) -> frozenset[str]:
    """Return the top-level modules that an image must bring, of those that a policy imports or preloads.

    Modules that recipes only take along are not among them: where one is missing, importing it fails, as on this
    machine.
    """
    taken_along = {module for recipe in RECIPES.values() for module in recipe.further.values()}
    return frozenset(name.partition(".")[0] for name in imports) - sys.stdlib_module_names - taken_along


def build_command(name: str, made_from: str = "host") -> str:
    """Return the command that builds an image anew."""
    return f"poet images build {name} " + ("--from-host" if made_from == "host" else f"--base {shlex.quote(made_from)}")


def recipe_for(modules: Collection[str]) -> Recipe | None:
    """Return the smallest recipe that brings these modules; None when none does."""
    fitting = (
        recipe for recipe in RECIPES.values() if {*modules} <= {*recipe.modules.values(), *recipe.further.values()}
    )
    return min(fitting, key=lambda recipe: len(recipe.modules), default=None)


def choose(images: Iterable[Image], modules: Collection[str], *, guest: str, python: str) -> Image:
    """Return the image for code that may import these modules: of those that serve, the smallest, then the newest.

    Args:
        images: The images that the daemon has.
        modules: The modules that it must bring, from `modules_needed`.
        guest: SHA-256 (hex) of this installation's guest.
        python: This interpreter's version.

    Raises:
        ImageError: No image serves; the message names the command that builds it.
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
    raise ImageError(f"the Docker daemon does not have {wanted} yet; build it: {build_command(recipe.name)}")


def shown(image: Image) -> str:
    """Return an image's name, or the start of its digest."""
    return image.tags[0] if image.tags else image.id.removeprefix("sha256:")[:12]


def to_prune(images: Iterable[Image], *, guest: str, python: str, everything: bool) -> list[Image]:
    """Return our images that are of no use here: stale, or replaced by a newer one that took the tag."""
    return [
        image
        for image in images
        if everything or not image.tags or why_stale(image.contents, guest=guest, python=python) is not None
    ]
