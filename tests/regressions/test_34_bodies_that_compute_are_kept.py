"""Under `domain=` a stub is replaced, and a body that computes is not (case 34: a rule with an unused option).

The bodies are one table to compare with, which stays in one piece.
"""

import dataclasses
import itertools
import logging
from pathlib import Path

import pytest
from tests.regressions.modules import Decorated, indented, loaded, sections

from poet_engine.domains import Declined, Written, choose, describe

HEAD = """\
import functools, logging, math, statistics, warnings
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pandas as pd
from scipy import stats

logger = logging.getLogger(__name__)
LIMIT = 0.05


def relative(current, reference):
    return abs(fmean(current) - fmean(reference)) / abs(fmean(reference))


class Detector:
    def __init__(self, reference):
        self.mean = fmean(reference)

    def moved(self, current):
        return abs(fmean(current) - self.mean)


"""

MOVED = "moved = abs(fmean(current) - fmean(reference))\nreturn {'drift_detected': moved > 0.05, 'score': moved}"
UNUSED = [
    *(
        "verbose=False",
        "debug: bool = True",
        "alpha=0.05",
        "threshold=0.1",
        "level='info'",
        "window=10",
        "bins: int = 5",
    ),
    *("*, strict=False", "*, logger=None", "*, threshold=0.5", "seed=None", "method='ks'", "names=()", "options=None"),
    *("**kwargs", "**_", "verbose=False, **kwargs", "a=1, b=2, c=3", "*, alpha=0.05, verbose=False", "n_jobs=-1"),
]
COMPUTING = sections("""
# numpy
return {'drift_detected': bool(abs(np.mean(current) - np.mean(reference)) > LIMIT)}
# numpy methods
a, b = np.asarray(current), np.asarray(reference)
return bool((a.mean() - b.mean()) ** 2 > 1)
# pandas
frame = pd.DataFrame({'c': current, 'r': reference})
return {'drift': bool(frame['c'].mean() > frame['r'].max())}
# scipy
result = stats.ks_2samp(current, reference)
return {'drift_detected': bool(result.pvalue < 0.05)}
# statistics
moved = abs(fmean(current) - fmean(reference))
return {'drift_detected': moved > 0.05, 'score': moved}
# a function of its module
return {'drift_detected': relative(current, reference) > LIMIT}
# a class of its module
return {'drift_detected': Detector(reference).moved(current) > LIMIT}
# a closure
def moved():
    return fmean(current) - fmean(reference)
return {'drift_detected': moved() > 1}
# a comprehension
return any(a > b for a, b in zip(current, reference))
# a while loop
i = 0
while i < min(len(current), len(reference)):
    if current[i] > 2 * reference[i]:
        return True
    i += 1
return False
# a for loop that counts
outside = 0
for value in current:
    if value > max(reference):
        outside += 1
return {'drift_detected': outside > 3}
# early returns
if len(reference) < 5:
    return {'drift_detected': None}
if fmean(current) > 1:
    return {'drift_detected': True}
return {'drift_detected': False}
# try and except
try:
    return {'drift_detected': fmean(current) / fmean(reference) > 1.05}
except ZeroDivisionError:
    return {'drift_detected': None}
# only by what it raises
try:
    1 / (fmean(current) - fmean(reference))
except ZeroDivisionError:
    return False
return True
# a walrus
if (gap := fmean(current) - fmean(reference)) > 1:
    return {'drift_detected': True, 'gap': gap}
return {'drift_detected': False, 'gap': gap}
# a lambda
centre = lambda sample: sorted(sample)[len(sample) // 2]
return {'drift_detected': centre(current) != centre(reference)}
# match
match sorted(reference)[:1]:
    case [low]:
        return min(current) < low
    case _:
        return False
# through a container
both = {}
both['c'] = current
both['r'] = reference
return both['c'] != both['r']
# through a list
kept = []
for value in reference:
    kept.append(value)
return {'drift_detected': kept[-1] < current[-1]}
# a conditional expression
return {'drift_detected': True if fmean(current) > fmean(reference) else False}
# a flag
drifted = False
if set(current) - set(reference):
    drifted = True
return {'drift_detected': drifted}
# a break
for place, (a, b) in enumerate(zip(current, reference)):
    if a != b:
        break
else:
    place = -1
return {'drift_detected': place >= 0}
# a call that nobody knows
result = logger.getChild('x').manager.compare(current, reference)
return {'drift_detected': result}
# reduce
total = functools.reduce(lambda a, b: a + b, reference, 0)
return {'drift_detected': sum(current) > total}
# names that change hands
old, new = reference, current
reference = current = None
return fmean(new) > fmean(old)
# what it tells somebody else
warnings.catch_warnings(current).send(reference)
return {'drift_detected': False}
# a buffer that is filled
gap = np.zeros(3)
np.subtract(current[:3], reference[:3], out=gap)
return {'drift_detected': bool(gap.sum() > 1)}
# a buffer that is filled in its places
seen = np.zeros(100)
np.add.at(seen, current, 1)
np.subtract.at(seen, reference, 1)
return {'drift_detected': bool(seen.any())}
# a default of a lambda
moved = lambda c=current, r=reference: fmean(c) - fmean(r)
return {'drift_detected': moved() > 1}
# a default of a function inside
def moved(c=current, r=reference):
    return fmean(c) - fmean(r)
return {'drift_detected': moved() > 1}
# a name from outside
total = 0
def add():
    nonlocal total
    total += sum(current) - sum(reference)
add()
return {'drift_detected': total > 1}
# another name for a function
mean = fmean
return {'drift_detected': mean(current) > mean(reference)}
# what an error says
try:
    raise ValueError(reference, current)
except ValueError as error:
    return {'drift_detected': error.args[0] != error.args[1]}
# a method by its name
return {'drift_detected': getattr(current, 'mean')() > getattr(reference, 'mean')()}
# an answer about what is there
return {'drift_detected': current is None or isinstance(reference, str)}
# print to a file
print(current, reference, file=logger)
return {'drift_detected': False}
# two constants
return {'drift_detected': True, 'n': len(reference)} if current else {'drift_detected': False, 'n': 0}
""")
STUBS = sections('''
# a constant
return {'drift_detected': False}
# a constant and a score
return {'drift_detected': False, 'score': 0.0, 'method': 'none'}
# False
return False
# NotImplementedError
raise NotImplementedError
# NotImplementedError with a text
raise NotImplementedError('to do')
# an ellipsis
...
# pass
pass
# a docstring
"""Tell whether the data has drifted."""
# a note in print
print('TODO', current, reference)
# a print and a constant
print(f'comparing {len(current)} with {len(reference)}')
return {'drift_detected': False}
# a log and a constant
logger.info('got %d and %d', len(current), len(reference))
return {'drift_detected': False}
# a log of logging
logging.debug('%s', reference)
return {'drift_detected': False}
# a warning
warnings.warn(f'not written: {len(reference)}')
return {'drift_detected': False}
# validation and a constant
if not isinstance(reference, list):
    raise TypeError('a list')
return {'drift_detected': False}
# validation of both
if len(current) == 0 or len(reference) == 0:
    raise ValueError('empty')
return {'drift_detected': False}
# an assertion
assert len(reference) > 1, 'too short'
return {'drift_detected': False}
# validation and to do
if reference is None:
    raise ValueError('no reference')
raise NotImplementedError
# only current
return {'drift_detected': fmean(current) > 100}
# only current, by numpy
a = np.asarray(current)
return {'drift_detected': bool(a.mean() > 100), 'spread': float(np.std(a))}
# only reference
return {'drift_detected': max(reference) > 100}
# del
del current, reference
return {'drift_detected': False}
# an underscore
_ = current, reference
return {'drift_detected': False}
# rebinding
reference = None
return {'drift_detected': reference is not None}
# a test without consequence
if reference:
    pass
return {'drift_detected': False}
# another answer for another type
if reference is None or not isinstance(reference, list):
    return {'drift_detected': False, 'reason': 'no list'}
return {'drift_detected': False, 'reason': ''}
# the same answer either way
if not reference:
    return {'drift_detected': False}
return {'drift_detected': False}
# a value that nobody reads
mean = np.mean(reference)
gap = mean - np.mean(current)
return {'drift_detected': False}
# a loop that only checks
for value in reference:
    if value is None:
        raise ValueError('missing')
return {'drift_detected': False}
# a conversion that only checks
try:
    [float(value) for value in reference]
except ValueError:
    raise
return {'drift_detected': False}
''')
_numbers = itertools.count()


def written(tmp_path: Path, body: str, parameters: str = "current, reference") -> Written | Declined:
    """What the domain makes of a function with that body."""
    name = f"monitoring_{next(_numbers)}"
    text = f"{HEAD}def detect_drift({parameters}):\n{indented(body)}"
    module = loaded(tmp_path / f"{name}.py", text)
    return choose("ml_monitoring").write(describe(vars(module)["detect_drift"]))


@pytest.mark.parametrize("unused", UNUSED)
def test_an_option_that_is_not_used_makes_no_stub(tmp_path: Path, unused: str) -> None:
    """Neither do `**kwargs` and flags."""
    answer = written(tmp_path, MOVED, f"current, reference, {unused}")
    assert isinstance(answer, Declined)
    assert "'current' and 'reference'" in answer.reason
    assert "is kept" in answer.reason


@pytest.mark.parametrize("case", COMPUTING)
def test_a_body_that_computes_with_both_samples_is_kept(tmp_path: Path, case: str) -> None:
    answer = written(
        tmp_path, COMPUTING[case], "current, reference, *args" if case == "numpy" else "current, reference"
    )
    assert isinstance(answer, Declined)
    assert "is kept" in answer.reason


@pytest.mark.parametrize("case", STUBS)
def test_a_stub_is_replaced_and_the_ignored_input_is_named(tmp_path: Path, case: str) -> None:
    answer = written(tmp_path, STUBS[case])
    assert isinstance(answer, Written), answer
    assert answer.ignored == ("current" if case == "only reference" else "reference")


@pytest.mark.parametrize("parameters", ["current=None, reference=None", "current, reference=()"])
def test_a_sample_that_callers_may_leave_out_makes_no_stub(tmp_path: Path, parameters: str) -> None:
    """What is not required may be ignored."""
    body = "return {'drift_detected': len(current or ()) > 3}"
    assert isinstance(written(tmp_path, body, parameters), Declined)


OWN_RULE = """\
from statistics import fmean
from poet_engine import poet


@poet(domain="ml_monitoring")
def detect_drift(current, reference, verbose=False):
    moved = abs(fmean(current) - fmean(reference)) / abs(fmean(reference))
    return {"drift_detected": moved > 0.05, "score": moved, "method": "relative_mean"}


@poet(domain="ml_monitoring")
def find_drift(current, reference):
    raise NotImplementedError
"""
REFERENCE = [100 + i % 1000 / 500 for i in range(500)]


@pytest.fixture
def monitoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Decorated]:
    """The names of a module with a rule of its own and a stub, as a user's program has them."""
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    return vars(loaded(tmp_path / f"monitoring_{next(_numbers)}.py", OWN_RULE))


def test_an_own_rule_decides_and_says_once_why(
    monitoring: dict[str, Decorated], caplog: pytest.LogCaptureFixture
) -> None:
    """Its answer is its own, key by key; nothing is stored, and the event has the reason for `poet show`."""
    detect = monitoring["detect_drift"]
    for current in ([x + 0.1 for x in REFERENCE], [100.5, 101.0, 101.5, 130.0]):
        assert detect(current, REFERENCE) == detect.original(current, REFERENCE)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "computes with 'current' and 'reference'" in said[0]
    assert detect.poet.current is None
    assert "computes with" in str(detect.poet.reason)
    assert detect.poet.versions() == []


@pytest.mark.sandbox
def test_a_stub_is_answered_by_the_version_and_said_once(
    monitoring: dict[str, Decorated], caplog: pytest.LogCaptureFixture
) -> None:
    """As a warning that names what the body ignores."""
    find = monitoring["find_drift"]
    find.poet.prepare()
    for _ in range(2):
        answer = find([x + 50 for x in REFERENCE], REFERENCE)
        assert isinstance(answer, dict)
        assert answer["drift_detected"] is True
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "'reference'" in said[0]


@pytest.mark.sandbox
def test_a_version_from_an_older_release_does_not_stand_for_a_body_that_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stored for this very source, before bodies were looked at; what somebody adopts serves all the same."""
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    stub = OWN_RULE.replace("detect_drift(current, reference, verbose=False)", "unused(current, reference)")
    find = vars(loaded(tmp_path / "older.py", stub))["find_drift"]
    version = find.poet.current
    assert version is not None
    text = OWN_RULE.replace("find_drift", "other").replace("detect_drift", "find_drift")
    detect = vars(loaded(tmp_path / "older.py", text))["find_drift"]
    store, info = find.poet.prepare().context.versions, describe(detect.original)
    metadata = dataclasses.replace(version.metadata, original_digest=info.source_digest)
    old = store.add(code=version.code.replace("NotImplementedError", "ValueError"), params={}, metadata=metadata)
    store.promote(old.name, actor="tests", reason="as an older release did")
    current = [100.5, 101.0, 101.5, 130.0]
    assert detect(current, REFERENCE) == detect.original(current, REFERENCE)
    with pytest.raises(Exception, match="computes with"):
        detect.poet.rollback(old.name)
    detect.poet.adopt("def find_drift(current, reference, verbose=False):\n    return {'drift_detected': 'mine'}\n")
    assert detect(current, REFERENCE) == {"drift_detected": "mine"}
