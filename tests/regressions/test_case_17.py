"""17: dataclasses, named tuples, enums and pydantic models were refused as arguments, and as results.

They travel by their fields. Each side rebuilds them only as classes that its own annotation names, and only where their
class makes the same of these fields again; else they are refused as before, with what to return instead.
"""

import dataclasses
import enum
import inspect
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pydantic
import pytest
from tests.regressions.modules import loaded

from poet_engine import Engine
from poet_engine.errors import SerializationError
from poet_engine.guest import codec, decoding_budget
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import UndecodableError
from poet_engine.guest.structures import Classes, field_hints
from poet_engine.job import Job
from poet_engine.outcome import Blame, Status

HEAD = (
    'version = 1\nname = "structures"\nextends = "data"\n[static]\nmode = "warn"\n[limits]\nwall = "60s"\ncpu = "60s"\n'
)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: "list[Colour]"


@dataclasses.dataclass(frozen=True, slots=True)
class Application:
    amount: float
    colour: Colour = Colour.RED
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Decision:
    application: Application | None
    points: dict[str, Point]
    counts: dict[Colour, int] = dataclasses.field(default_factory=dict)
    total: int = dataclasses.field(init=False, default=7)


CLASSES = "import dataclasses\nimport enum\nfrom typing import NamedTuple\n\n\n" + "\n\n".join(
    map(inspect.getsource, (Colour, Level, Point, Application, Decision))
)
SOURCE = (
    CLASSES
    + """

def decide(application: Application, *more: Point, level: Level | None = None) -> object:
    point = Point(len(more), [application.colour])
    return [Decision(application, {"p": point, **{str(n): one for n, one in enumerate(more)}}, {Colour.BLUE: 1})]


def told(values: "list[Application] | dict[Colour, tuple[Point, ...]]") -> object:
    return repr(values)


def bare(application) -> object:
    return application.amount


def colour(colour: Colour) -> object:
    return type(colour) is Colour and colour is Colour.RED
"""
)


def run(engine: Engine, entry: str, *args: object, returns: object = None, **kwargs: object) -> object:
    return engine.run_job(Job(source=SOURCE, entry=entry, args=args, kwargs=kwargs, returns=returns)).unwrap()


def test_structures_travel_both_ways(open_engine: Callable[[str], Engine]) -> None:
    engine = open_engine(HEAD)
    application = Application(1.5, Colour.BLUE, ["a"])
    point = Point(1, [Colour.RED])
    came = run(engine, "decide", application, point, level=Level.LOW, returns=list[Decision])

    expected = Decision(application, {"p": Point(1, [Colour.BLUE]), "0": point}, {Colour.BLUE: 1})
    assert came == [expected]
    assert isinstance(came, list)
    assert type(came[0].application) is Application
    assert came[0].points["p"].y[0] is Colour.BLUE


def test_they_are_of_their_own_class_in_the_sandbox(open_engine: Callable[[str], Engine]) -> None:
    engine = open_engine(HEAD)
    values = [Application(1.0)]
    assert run(engine, "told", values) == repr(values)
    pairs = {Colour.RED: (Point(1, []),)}
    assert run(engine, "told", pairs) == repr(pairs)
    assert run(engine, "colour", Colour.RED) is True


def test_without_an_annotation_here_they_are_refused_with_what_to_return(open_engine: Callable[[str], Engine]) -> None:
    for returns in (None, object, list[int], Application):
        outcome = open_engine(HEAD).run_job(
            Job(source=SOURCE, entry="decide", args=[Application(1.0)], returns=returns)
        )
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
        assert "dataclasses.asdict(value)" in outcome.describe()


def test_without_an_annotation_there_the_call_says_what_to_write(open_engine: Callable[[str], Engine]) -> None:
    outcome = open_engine(HEAD).run(SOURCE, "bare", Application(1.0))
    assert outcome.status is Status.ERROR
    assert "annotate the parameter with it" in outcome.describe()


def test_where_the_source_has_no_such_class_the_argument_is_refused_before(
    open_engine: Callable[[str], Engine],
) -> None:
    with pytest.raises(SerializationError, match=r"dataclasses\.asdict\(value\)"):
        open_engine(HEAD).run("def f(value):\n    return 1\n", "f", Application(1.0))


FORGE = """
import json, os

def send(content):
    rest = memoryview(bytes([2]) + len(content).to_bytes(4, "big") + content)
    while rest:
        rest = rest[os.write(3, rest):]
    os._exit(0)

def f(text):
    send(text.encode())
"""


def structure(kind: object, name: object, content: object) -> dict[str, object]:
    return {"~": "structure", "k": kind, "n": name, "v": content}


def fields(**values: object) -> list[object]:
    return [[name, value] for name, value in values.items()]


RED = structure("enum", "Colour", {"RED": None})
FORGED: dict[str, object] = {
    "no fields": structure("dataclass", "Application", []),
    "a field too few": structure("dataclass", "Application", fields(amount=1.0, colour=RED)),
    "a field too many": structure("dataclass", "Application", fields(amount=1.0, colour=RED, tags=[], more=1)),
    "another order": structure("dataclass", "Application", fields(colour=RED, amount=1.0, tags=[])),
    "a field twice": structure("dataclass", "Application", [["amount", 1], ["amount", 1]]),
    "a field that is a number": structure("dataclass", "Application", [[1, 1]]),
    "a constructor's own name": structure("dataclass", "Application", fields(self=1, amount=1.0)),
    "fields as a mapping": structure("dataclass", "Application", {"amount": 1.0}),
    "another kind": structure("named tuple", "Application", fields(amount=1.0, colour=RED, tags=[])),
    "an unknown kind": structure("os.system", "Application", []),
    "a kind that is a list": structure([], "Application", []),
    "a class that is not named": structure("dataclass", "Decision", fields(application=None, points={})),
    "a class by its path": structure("dataclass", "os.path.Application", fields(amount=1.0)),
    "a long class": structure("dataclass", "x" * 100_000, []),
    "a member that is none": structure("enum", "Colour", {"GREEN": None}),
    "a member that is a method": structure("enum", "Colour", {"__class__": None}),
    "a long member": structure("enum", "Colour", {"R" * 100_000: None}),
    "two members": structure("enum", "Colour", {"RED": None, "BLUE": None}),
    "an enum's fields": structure("enum", "Colour", []),
    "a set of structures": {"~": "set", "v": [structure("named tuple", "Point", fields(x=1, y=[]))]},
}
WANTED = Application | Colour | set[Point]


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_is_forged_is_a_bad_answer(forged: object) -> None:
    content = json.dumps(forged).encode()
    with pytest.raises(UndecodableError):
        codec.loads(content, costs=DecodingBudget(len(content)), classes=Classes(WANTED))
    with pytest.raises(UndecodableError):
        codec.loads(content, costs=DecodingBudget(len(content)))


@pytest.mark.parametrize("name", ["a field too many", "a long member", "a class that is not named"])
def test_a_forged_frame_is_told_as_a_bad_answer(open_engine: Callable[[str], Engine], name: str) -> None:
    job = Job(source=FORGE, entry="f", args=[json.dumps(FORGED[name])], returns=WANTED)
    outcome = open_engine(HEAD).run_job(job)
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)


def test_deep_structures_are_refused_and_many_are_paid_for() -> None:
    @dataclasses.dataclass
    class Chain:
        rest: "object"

    Chain.__annotations__["rest"] = Chain | None
    deep: object = None
    for _ in range(200):
        deep = structure("dataclass", "Chain", fields(rest=deep))
    for content in (
        json.dumps(deep).encode(),
        json.dumps([structure("dataclass", "Chain", fields(rest=None))] * 5000).encode(),
    ):
        with pytest.raises(UndecodableError):
            codec.loads(content, costs=DecodingBudget(len(content)), classes=Classes(list[Chain] | Chain))


def test_rebuilding_costs_no_more_than_was_paid(pace: int) -> None:
    """The price of a structure is that of its class: at most 50 ms for each MiB that was paid for."""
    applied = structure("dataclass", "Application", fields(amount=1.0, colour=RED, tags=[]))
    for one, wanted in ((applied, list[Application]), (RED, list[Colour])):
        content = json.dumps([one] * 2000).encode()
        classes = Classes(wanted)
        taken, costs = [], DecodingBudget()
        for _attempt in range(8):  # neighbours on a shared core cost it its caches
            costs = DecodingBudget()
            began = time.thread_time()
            codec.loads(content, costs=costs, classes=classes)
            taken.append(time.thread_time() - began)
        paid = max(costs.spent, len(content) + decoding_budget.FREE)
        assert min(taken) * 1000 / (paid / 2**20) < 50 * pace


class Post(pydantic.BaseModel):
    title: str = pydantic.Field(validation_alias="t")
    words: list[int]
    votes: int = 0


class Doubling(pydantic.BaseModel):
    number: int

    @pydantic.field_validator("number")
    @classmethod
    def twice(cls, value: int) -> int:
        return value * 2


@dataclasses.dataclass
class Normal:
    text: str

    def __post_init__(self) -> None:
        self.text = self.text.strip().lower()


@dataclasses.dataclass
class Growing:
    number: int

    def __post_init__(self) -> None:
        self.number += 1


@dataclasses.dataclass
class Made:
    number: int
    start: dataclasses.InitVar[int] = 0


class Rows(NamedTuple):
    posts: list[Post]
    first: Post | None


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


def travelled(value: object, annotation: object) -> object:
    from poet_engine.guest.attachments import Collected  # noqa: PLC0415 - of this helper alone

    classes = Classes(annotation)
    return codec.loads(codec.dumps(value, "x", Collected(pays=True, classes=classes.names)), classes=classes)


def test_models_and_what_their_classes_make_again_arrive() -> None:
    post = Post.model_validate({"t": "a", "words": [1]})
    came = travelled(Rows([post], None), Rows)
    assert came == Rows([post], None)
    assert isinstance(came, Rows)
    assert came.posts[0].model_fields_set == post.model_fields_set == {"title", "words"}
    assert travelled(Normal(" A "), Normal) == Normal("a")
    assert travelled({"m": (Mode.READ, None)}, dict[str, tuple[Mode, None]]) == {"m": (Mode.READ, None)}


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(Growing(1), Growing), (Doubling(number=1), Doubling)],
)
def test_a_class_that_makes_something_else_of_its_fields_is_refused(value: object, annotation: object) -> None:
    with pytest.raises(UndecodableError, match="another one of"):
        travelled(value, annotation)


def test_what_a_structure_holds_beside_its_fields_is_refused() -> None:
    extra = Normal("a")
    vars(extra)["more"] = 1
    for value in (extra, Made(1), Mode.READ | Mode.WRITE):
        with pytest.raises(ValueError, match="x is a "):
            travelled(value, Normal | Made | Mode)


def test_values_of_other_types_for_a_model_are_refused() -> None:
    forged = structure("model", "Post", fields(title=1, words=["x"], votes="y"))
    content = json.dumps({**forged, "s": ["title", "words"]}).encode()
    with pytest.raises(UndecodableError, match="cannot be made"):
        codec.loads(content, classes=Classes(Post))


DECORATED = """
import dataclasses, enum
from poet_engine.decorator import poet


class Grade(enum.Enum):
    GOOD = 1


@dataclasses.dataclass(frozen=True)
class Loan:
    amount: int


@dataclasses.dataclass(frozen=True)
class Verdict:
    loan: Loan
    grade: Grade
    by: str


@poet
def score(loan: Loan) -> Verdict | None:
    return Verdict(loan, Grade.GOOD, "the body")
"""


@pytest.mark.sandbox
def test_a_decorated_function_takes_and_answers_its_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that brings the classes answers with the caller's own; one that does not leaves it to the body."""
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    module = loaded(tmp_path / "loans.py", DECORATED)
    code = DECORATED.replace("from poet_engine.decorator import poet\n", "").replace("@poet\n", "")
    module.score.poet.adopt(code.replace("the body", "a version"))
    loan = module.Loan(5)
    assert module.score(loan) == module.Verdict(loan, module.Grade.GOOD, "a version")
    assert type(module.score(loan)) is module.Verdict

    module.score.poet.adopt("def score(loan):\n    return None\n")
    done = module.score.poet.call(loan)
    assert done.value == module.Verdict(loan, module.Grade.GOOD, "the body")
    assert done.served_by == "original"
    assert "dataclasses.asdict" in (done.fallback_reason or "")


def test_annotations_that_cannot_be_evaluated_name_no_class() -> None:
    def f() -> "Nowhere":  # type: ignore[name-defined]  # noqa: F821 - that is the point
        raise NotImplementedError

    assert field_hints(f) == {}  # type: ignore[arg-type]  # a function has hints too
