import ast
import threading

import pytest

from poet_engine.domains.parsing import parse, parse_expression

MODULE = "def f(a, b):\n" + "".join(f"    x{number} = [a, {{b: (a + {number}, [b] * 3)}}]\n" for number in range(200))


def test_threads_may_parse_at_the_same_moment() -> None:
    """CPython's own parser loses count of how deep it is when they do."""
    failed: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                parse(MODULE)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_a_miscount_is_no_error_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of the user's may have come between; the text is parsed again."""
    real, times = ast.parse, []

    def miscounting(text: str, mode: str = "exec") -> ast.AST:
        times.append(text)
        if len(times) % 3:
            raise SystemError("AST constructor recursion depth mismatch (before=27, after=24)")
        return real(text, mode=mode)

    monkeypatch.setattr(ast, "parse", miscounting)
    assert len(parse("x = 1").body) == 1
    assert isinstance(parse_expression("1 + 1"), ast.BinOp)
    assert len(times) == 6


def test_what_is_wrong_with_the_source_is_said() -> None:
    with pytest.raises(SyntaxError):
        parse("def f(:")
    with pytest.raises(SyntaxError):
        parse_expression("x =")
