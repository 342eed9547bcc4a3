"""Libraries that a policy lists can be used as they are: with their fonts, caches and data, and without a network."""

import importlib.util
from collections.abc import Iterator

import pytest

from poet_engine import Engine, Policy

POLICY = """
name = "packages"
extends = "data"
[static.imports]
matplotlib = ["use", "get_backend"]
"matplotlib.pyplot" = ["*"]
networkx = ["*"]
pydantic = ["*"]
requests = ["*"]
sklearn = []
"sklearn.datasets" = ["load_iris"]
"sklearn.ensemble" = ["*"]
sympy = ["Symbol", "integrate", "sin", "solve", "symbols"]
[isolation]
preload = ["numpy", "scipy.stats"]
[limits]
wall = "60s"
cpu = "60s"
memory = "512MiB"
threads = 16
"""

PICTURES = """
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([1, 2, 3], [1, 4, 9])
axes.set_title("Größe $x^2$")
figure.savefig("out.png")
plt.savefig("out.svg")
plt.savefig("out.pdf")
plt.show()
print("done")
"""

SCRIPTS = {
    "networkx": (
        (
            "import networkx as nx\ngraph = nx.karate_club_graph()\n"
            "print(nx.shortest_path_length(graph, 0, 33), round(nx.pagerank(graph)[0], 2))"
        ),
        "2 0.09\n",
    ),
    "pydantic": (
        (
            "from pydantic import BaseModel, Field, ValidationError\nclass Item(BaseModel):\n"
            "    count: int = Field(gt=0)\n"
            "print(Item(count='3').model_dump_json())\ntry:\n    Item(count=0)\n"
            "except ValidationError as error:\n    print(len(error.errors()))"
        ),
        '{"count":3}\n1\n',
    ),
    "requests": (
        (
            "import requests\nwanted = requests.Request('GET', 'https://a.example/b', params={'c': 1}).prepare()\n"
            "print(requests.Session().headers['Accept'], wanted.url)"
        ),
        "*/* https://a.example/b?c=1\n",
    ),
    "sklearn": (
        (
            "from sklearn.datasets import load_iris\nfrom sklearn.ensemble import RandomForestClassifier\n"
            "x, y = load_iris(return_X_y=True)\n"
            "forest = RandomForestClassifier(n_estimators=5, random_state=0, n_jobs=2)\n"
            "print(forest.fit(x, y).score(x, y) > 0.9)"
        ),
        "True\n",
    ),
    "sympy": (
        (
            "from sympy import integrate, sin, solve, symbols\nx = symbols('x')\n"
            "print(integrate(sin(x) ** 2, x), solve(x**2 - 2, x))"
        ),
        "x/2 - sin(x)*cos(x)/2 [-sqrt(2), sqrt(2)]\n",
    ),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine whose policy lists the libraries; images of containers have those of the presets only."""
    journal = tmp_path_factory.mktemp("journal") / "events.db"
    with Engine.open(Policy.parse(POLICY), "process", journal=journal) as opened:
        yield opened


def _needs(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed: pip install 'poet-engine[packages]'")


@pytest.mark.sandbox
@pytest.mark.parametrize("library", SCRIPTS)
def test_a_listed_library_works(engine: Engine, library: str) -> None:
    _needs(library)
    source, printed = SCRIPTS[library]
    outcome = engine.run_script(source)
    assert (outcome.stdout, outcome.findings) == (printed, ()), outcome


@pytest.mark.sandbox
def test_pictures_come_out_as_files(engine: Engine) -> None:
    """The fonts are found, and nothing is written beside the pictures, though matplotlib keeps a cache of fonts."""
    _needs("matplotlib")
    outcome = engine.run_script(PICTURES, files_out=["**"])
    assert (outcome.stdout, outcome.stderr) == ("done\n", ""), outcome
    starts = {name: content[:4] for name, content in outcome.files.items() if name != "script.py"}
    assert starts == {"out.png": b"\x89PNG", "out.svg": b"<?xm", "out.pdf": b"%PDF"}


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import matplotlib.pyplot as plt\nplt.os.system('id')", "POET111"),
        ("import sympy\nsympy.sympify('__import__(\"os\")')", "POET111"),
        ("import requests\nrequests.sessions.os.system('id')", "POET111"),
        ("def f(table):\n    table.to_pickle('x')", "POET133"),
    ],
)
def test_listing_a_library_lists_nothing_behind_it(engine: Engine, source: str, rule: str) -> None:
    outcome = engine.run_script(source)
    assert str(outcome.status) == "rejected"
    assert rule in {finding.rule for finding in outcome.findings}
