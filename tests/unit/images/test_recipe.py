"""Which image fits, which is out of date, and which command mends it."""

import dataclasses
import re

import pytest

from poet_engine.errors import ImageError
from poet_engine.images import recipe
from poet_engine.images.recipe import Contents, Image
from poet_engine.policy import Policy

GUEST, PYTHON = "a" * 64, "3.11.7"
NUMERIC = frozenset({"numpy", "scipy", "pandas"})


def image(name: str = "base", modules: frozenset[str] = frozenset(), **changed: object) -> Image:
    contents = Contents(
        name=name, guest=GUEST, python=PYTHON, modules=modules, distributions=dict.fromkeys(modules, "1")
    )
    made = Image(
        id=f"sha256:{name}",
        tags=(recipe.tag(contents),),
        contents=contents,
        version="1",
        made_from="host",
        size=1,
        created=5,
    )
    inner = {key: changed.pop(key) for key in ("guest", "python") if key in changed}
    return dataclasses.replace(made, contents=dataclasses.replace(contents, **inner), **changed)  # type: ignore[arg-type]  # fields by name


def chosen(images: list[Image], *modules: str) -> str:
    return recipe.choose(images, frozenset(modules), guest=GUEST, python=PYTHON).id


def refused(images: list[Image], *modules: str) -> str:
    with pytest.raises(ImageError) as caught:
        recipe.choose(images, frozenset(modules), guest=GUEST, python=PYTHON)
    return str(caught.value)


class TestChoosing:
    def test_the_smallest_image_that_brings_the_modules_serves(self) -> None:
        both = [image("data", NUMERIC), image("base")]
        assert chosen(both) == "sha256:base"
        assert chosen(both, "numpy") == "sha256:data"
        assert chosen(both[:1]) == "sha256:data"

    def test_of_two_alike_the_newer_one_serves(self) -> None:
        assert chosen([image(id="old"), image(id="new", created=6)]) == "new"

    def test_another_patch_level_of_python_serves(self) -> None:
        assert chosen([image(python="3.11.99")]) == "sha256:base"

    @pytest.mark.parametrize(
        ("changed", "why"), [({"guest": "b" * 64}, "guest code"), ({"python": "3.12.1"}, "it has Python 3.12.1")]
    )
    def test_a_stale_image_names_why_and_its_rebuild(self, changed: dict[str, object], why: str) -> None:
        said = refused([image("data", NUMERIC, **changed)], "numpy")
        assert why in said
        assert said.endswith("poet images build data --from-host")

    def test_a_rebuild_is_from_what_the_image_was_made_from(self) -> None:
        said = refused([image(guest="b" * 64, made_from="x:1; rm -rf /")])
        assert said.endswith("poet images build base --base 'x:1; rm -rf /'")

    def test_a_missing_image_names_the_smallest_recipe_that_brings_the_modules(self) -> None:
        assert refused([]).endswith("poet images build base --from-host")
        assert refused([image()], "numpy").endswith("poet images build data --from-host")

    def test_modules_that_no_recipe_brings_are_said_to_be_so(self) -> None:
        said = refused([image("data", NUMERIC)], "numpy", "torch")
        assert "numpy, torch" in said
        assert "no recipe brings all of them" in said

    @pytest.mark.parametrize(("policy", "needs"), [("restricted", frozenset()), ("data", NUMERIC)])
    def test_the_shipped_policies_need_an_image_that_there_is_a_recipe_for(
        self, policy: str, needs: frozenset[str]
    ) -> None:
        loaded = Policy.load(policy)
        needed = recipe.modules_needed((*loaded.static.imports, *loaded.isolation.preload))
        assert needed == needs
        assert recipe.recipe_for(needed) is not None


class TestLabels:
    def test_what_is_written_is_read_again(self) -> None:
        contents = image("data", NUMERIC).contents
        assert recipe.read_labels(recipe.labels(contents, version="1.0", made_from="host")) == contents

    def test_an_image_of_somebody_else_is_not_ours(self) -> None:
        assert recipe.read_labels({}) is None
        assert recipe.read_labels({"maintainer": "x"}) is None

    def test_a_tag_is_one_that_docker_takes_and_differs_by_python_and_guest(self) -> None:
        found = image().contents
        assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9]+:[\w.-]{1,128}", recipe.tag(found))
        others = (dataclasses.replace(found, python="3.12.0"), dataclasses.replace(found, guest="b" * 64))
        assert len({recipe.tag(contents) for contents in (found, *others)}) == 3

    def test_the_configuration_is_that_of_an_unprivileged_user(self) -> None:
        lines = recipe.changes(image("data", NUMERIC).contents, version="1", made_from="host")
        assert "USER 65534:65534" in lines
        assert 'LABEL org.poet-engine.modules="numpy pandas scipy"' in lines
        assert 'ENTRYPOINT ["/usr/local/bin/python3", "-I", "-S", "-B"]' in lines


class TestPruning:
    def test_what_serves_nobody_goes(self) -> None:
        stale, untagged, fine = image(id="1", guest="b" * 64), image(id="2", tags=()), image(id="3")
        gone = recipe.to_prune([stale, untagged, fine], guest=GUEST, python=PYTHON, everything=False)
        assert [found.id for found in gone] == ["1", "2"]

    def test_everything_is_everything(self) -> None:
        assert len(recipe.to_prune([image()], guest=GUEST, python=PYTHON, everything=True)) == 1


def test_an_unknown_recipe_is_an_error_that_lists_those_there_are() -> None:
    with pytest.raises(ImageError, match="base, data"):
        recipe.find("nope")
