import functools
import hashlib
import importlib.util
import linecache
import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine import errors
from poet_engine.domains import FunctionKind, ImportedName, Parameter, describe


def load(folder: Path, text: str, name: str = "sample_module") -> types.ModuleType:
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_about_a_function_is_read_from_its_file(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        '''
        import functools
        import os.path as paths
        from json import dumps as to_text

        RATE = 2

        def around(function):
            return function

        @around
        async def sample(a: int, /, b, c="x", *rest, d=RATE, e: "list[int]" = [1, -2], **more) -> bool:
            """Say so.

            Twice.
                Indented.
            """
            import math
            inner = [to_text(RATE) for _ in rest]
            return bool(inner) and math.pi > len(paths.sep)
        ''',
    )
    info = describe(module.sample)
    assert (info.name, info.qualname, info.module, info.line) == ("sample", "sample", "sample_module", 11)
    assert info.file == str(tmp_path / "sample_module.py")
    assert info.source.startswith("@around\nasync def sample(")
    assert info.source_digest == hashlib.sha256(info.source.encode()).hexdigest()
    assert info.doc == "Say so.\n\nTwice.\n    Indented."
    assert info.returns == "bool"
    assert info.is_async
    assert not info.is_method
    assert info.parameters == (
        Parameter("a", FunctionKind.POSITIONAL_ONLY, annotation="int"),
        Parameter("b"),
        Parameter("c", has_default=True, default="'x'"),
        Parameter("rest", FunctionKind.VAR_POSITIONAL),
        Parameter("d", FunctionKind.KEYWORD_ONLY, has_default=True),
        Parameter("e", FunctionKind.KEYWORD_ONLY, has_default=True, default="[1, -2]", annotation="'list[int]'"),
        Parameter("more", FunctionKind.VAR_KEYWORD),
    )
    assert info.free_names == ("RATE",)
    assert info.imports == (
        ImportedName("paths", "os.path", aliased=True),
        ImportedName("to_text", "json", "dumps", aliased=True),
    )
    assert info.local_imports == (ImportedName("math", "math"),)


def test_a_name_from_a_function_around_it_is_free(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        """
        def make(limit):
            def inside(x):
                def deeper():
                    return x > limit
                return deeper()
            return inside
        """,
    )
    info = describe(module.make(3))
    assert info.free_names == ("limit",)
    assert info.qualname == "make.<locals>.inside"
    assert info.source.startswith("def inside(x):")


def test_methods_are_known_as_such_and_super_is_free(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        """
        class Base:
            def run(self, x):
                return x

        class Child(Base):
            def run(self, x):
                return super().run(x)
        """,
    )
    info = describe(module.Child().run)
    assert info.is_method
    assert info.free_names == ("__class__",)
    assert describe(module.Base.run).free_names == ()


def test_text_that_stands_further_left_than_the_function_is_no_obstacle(tmp_path: Path) -> None:
    module = load(tmp_path, 'if True:\n    def f(x):\n        return """\nleft\n"""\n')
    info = describe(module.f)
    namespace: dict[str, object] = {}
    exec(info.source, namespace)  # noqa: S102 - our own text
    function = namespace["f"]
    assert callable(function)
    assert function(0) == "\nleft\n"


def test_two_functions_of_one_name_are_told_apart_by_their_lines(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        """
        def f(x):
            return 1
        first = f
        def f(x):
            return 2
        """,
    )
    assert describe(module.first).source == "def f(x):\n    return 1\n"
    assert describe(module.f).source == "def f(x):\n    return 2\n"


def test_a_default_that_is_no_plain_data_has_no_text(tmp_path: Path) -> None:
    module = load(
        tmp_path,
        f"def f(a=1e999, b=-1j, c={{'k': (1, None)}}, d=..., e=f'{{1}}', g={'x' * 3000!r}, h={{**{{}}}}): pass\n",
    )
    defaults = {parameter.name: parameter.default for parameter in describe(module.f).parameters}
    assert defaults == {
        "a": "1e309",
        "b": "-1j",
        "c": "{'k': (1, None)}",
        "d": None,
        "e": None,
        "g": None,
        "h": None,
    }


def _wrapped() -> Callable[[int], int]:
    def original(x: int) -> int:
        return x

    @functools.wraps(original)
    def around(x: int) -> int:
        return original(x)

    return around


def _made_by_exec() -> object:
    namespace: dict[str, object] = {}
    exec("def made(x): return x", namespace)  # noqa: S102 - our own text
    return namespace["made"]


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda x: x, "lambda"),
        (len, "builtin_function_or_method"),
        (functools.partial(_wrapped), "partial"),
        (dict, "type"),
        (None, "NoneType"),
        (_made_by_exec(), "<string>"),
        (_wrapped(), "closest to the function"),
    ],
)
def test_what_has_no_source_of_its_own_is_refused_with_a_remedy(function: object, what: str) -> None:
    with pytest.raises(errors.SourceUnavailableError, match=what) as caught:
        describe(function)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_file_that_changed_after_import_is_not_read_as_if_it_had_not(tmp_path: Path) -> None:
    module = load(tmp_path, "def f(x):\n    return 1\n")
    (tmp_path / "sample_module.py").write_text("import sys\n\n\ndef f(x):\n    return 2\n", encoding="utf-8")
    with pytest.raises(errors.SourceUnavailableError, match="changed since it was imported"):
        describe(module.f)
    (tmp_path / "sample_module.py").write_text("def f(x:\n", encoding="utf-8")
    with pytest.raises(errors.SourceUnavailableError, match="does not parse"):
        describe(module.f)
    (tmp_path / "sample_module.py").unlink()
    linecache.clearcache()
    with pytest.raises(errors.SourceUnavailableError, match="missing"):
        describe(module.f)


def test_describing_runs_nothing_and_imports_nothing_heavy(tmp_path: Path) -> None:
    module = load(tmp_path, "seen = []\ndef f(x=seen.append(1)):\n    import scipy.io\n    return x\n")
    before = set(sys.modules)
    info = describe(module.f)
    assert module.seen == [1]
    assert set(sys.modules) - before == set()
    assert info.parameters[0].default is None
