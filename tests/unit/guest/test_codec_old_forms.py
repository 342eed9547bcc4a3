"""What older releases have recorded is read as it was then, and as the release now would write it."""

import datetime as dt
import decimal
import pathlib

import numpy as np
import pandas as pd
import pytest

from poet_engine.guest import codec
from poet_engine.journal import recordings

MOMENT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
COUNTS = '{"~":"array","d":"<i8","s":[2],"v":"AQAAAAAAAAACAAAAAAAAAA=="}'
PARTS = '{"~":"array","d":"<f8","s":[2],"v":"AAAAAAAA+D8AAAAAAAAAQA=="}'
NO_TEXT = '["x",{"~":"float","v":"nan"}]'
COLUMNS = f'[["a",{COUNTS}],["s",{NO_TEXT}],["a",{PARTS}]]'
# As they lie in journals, to the byte.
OLD: list[tuple[str, object]] = [
    (r'{"a":[1,2.5,null,true,"\u00e9"]}', {"a": [1, 2.5, None, True, "é"]}),
    ('{"~":"tuple","v":[1,{"~":"set","v":[2]}]}', (1, {2})),
    ('{"~":"dict","v":[[1,{"~":"frozenset","v":[2]}]]}', {1: frozenset([2])}),
    ('[{"~":"bytes","v":"YWI="},{"~":"bytearray","v":"Yw=="}]', [b"ab", bytearray(b"c")]),
    ('[{"~":"complex","v":[0.0,1.0]},{"~":"decimal","v":"1.10"}]', [1j, decimal.Decimal("1.10")]),
    ('{"~":"int","v":"0x1' + "0" * 300 + '"}', 16**300),
    ("1" + "0" * 308, 10**308),
    ('[{"~":"path","v":"a/b"},{"~":"date","v":"2024-01-01"}]', [pathlib.Path("a/b"), MOMENT.date()]),
    ('{"~":"datetime","v":"2024-01-01T00:00:00+00:00"}', MOMENT),
    ('[{"~":"time","v":"01:00:00"},{"~":"timedelta","v":[1,2,3]}]', [dt.time(1), dt.timedelta(1, 2, 3)]),
    ('{"~":"array","d":"<f8","s":[],"v":"AAAAAAAA+D8=","scalar":true}', np.float64(1.5)),
    ('{"~":"array","d":"<M8[D]","s":[],"v":"C00AAAAAAAA=","scalar":true}', np.datetime64("2024-01-01")),
]
FRAMES: list[tuple[str, pd.DataFrame]] = [
    (
        f'{{"~":"frame","c":[null,["a","b","c"]],"i":["s",["r","s"]],"n":"k","v":{COLUMNS}}}',
        pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, 2.0]}, index=pd.Index(["r", "s"], name="k")),
    ),
    ('{"~":"frame","c":[null,["a"]],"i":null,"n":null,"v":[["o",[1,"x"]]]}', pd.DataFrame({"a": [1, "x"]})),
    (
        '{"~":"frame","c":["n",[3]],"i":null,"n":null,"v":[["o",[1,"x"]]]}',
        pd.DataFrame({3: [1, "x"]}).rename_axis("n", axis=1),
    ),
]


@pytest.mark.parametrize(("form", "value"), OLD, ids=lambda part: str(part)[:40])
def test_a_recorded_value_is_read(form: str, value: object) -> None:
    came = recordings.read(form)
    assert repr(came) == repr(value)
    assert repr(codec.loads(codec.dumps(came, "x"))) == repr(value)


def test_a_recorded_array_is_read() -> None:
    came = recordings.read('{"~":"array","d":"<i4","s":[2,3],"v":"AAAAAAEAAAACAAAAAwAAAAQAAAAFAAAA"}')
    np.testing.assert_array_equal(np.asarray(came), np.arange(6, dtype="<i4").reshape(2, 3), strict=True)


@pytest.mark.parametrize(("form", "value"), FRAMES, ids=lambda part: str(part)[:40])
def test_a_recorded_frame_is_read(form: str, value: pd.DataFrame) -> None:
    came = recordings.read(form)
    assert isinstance(came, pd.DataFrame)
    pd.testing.assert_frame_equal(came, value)
