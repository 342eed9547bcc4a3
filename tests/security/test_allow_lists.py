"""The lists of the `data` policy, held against the libraries themselves: what is listed exists and only computes.

`tests/security/allow_lists.py` looks; it can be run with any interpreter that has the libraries, so that the
lists can be held against an image too.
"""

import fnmatch
import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from poet_engine.gate import vocabulary
from poet_engine.gate.ruleset import Allowance
from poet_engine.policy import Policy

LIBRARIES = ("numpy", "scipy", "pandas", "sklearn")
PROGRAM = Path(__file__).with_name("allow_lists.py")
POLICY = Path(__file__).parents[2] / "policies" / "data.toml"

# What some versions from 1.26 (numpy), 1.11 (scipy), 2.1 (pandas), 1.3 (scikit-learn) on have, and others do not.
OF_SOME_VERSIONS = """
    numpy.in1d numpy.row_stack numpy.trapz numpy.cumulative_prod numpy.cumulative_sum numpy.unstack numpy.matvec
    numpy.vecmat numpy.vecdot numpy.bitwise_count numpy.isdtype numpy.astype numpy.concat numpy.permute_dims
    numpy.random.random_integers numpy.random.ranf numpy.random.sample
    scipy.linalg.kron scipy.ndimage.vectorized_filter scipy.signal.closest_STFT_dual_window scipy.signal.firwin_2d
    scipy.sparse.expand_dims scipy.sparse.permute_dims scipy.sparse.swapaxes
    scipy.sparse.linalg.funm_multiply_krylov scipy.spatial.distance.kulczynski1
    scipy.spatial.distance.sokalmichener scipy.spatial.transform.RigidTransform scipy.special.clpmn
    scipy.special.lpmn scipy.special.lpn scipy.special.sph_harm scipy.stats.Binomial scipy.stats.Logistic
    scipy.stats.find_repeats scipy.stats.matrix_t scipy.stats.quantile scipy.stats.spearmanrho scipy.stats.trapz
    pandas.value_counts pandas.api.types.is_interval pandas.errors.IncompatibleFrequency
    pandas.errors.Pandas4Warning pandas.errors.Pandas5Warning pandas.errors.PandasChangeWarning
    pandas.errors.PandasDeprecationWarning pandas.errors.PandasFutureWarning
    pandas.errors.PandasPendingDeprecationWarning pandas.errors.SettingWithCopyError
    pandas.errors.SettingWithCopyWarning pandas.tseries.offsets.BHalfYearBegin pandas.tseries.offsets.BHalfYearEnd
    pandas.tseries.offsets.HalfYearBegin pandas.tseries.offsets.HalfYearEnd
"""
# Names that look like deeds, and why they are none. Patterns.
ARGUED: Mapping[str, str] = {
    "scipy.special.eval_*": "values of polynomials",
    "sklearn.datasets.load_*": "tables that come with the library; load_files and load_svmlight_file are not listed",
}
# Parameters that would be deeds, and what keeps them from it.
ARGUED_PARAMETERS: Mapping[str, str] = {
    "numpy.recarray": "the buffer is memory that the code has already",
    "sklearn.*": "POET116 judges importance_getter, input, memory and response_method",
}
ARGUED_METHODS: Mapping[str, str] = {
    "apply": "POET133 judges the names that it is given",
    "boxplot": "POET116 judges its arguments, of which one imports a module by its name",
    "hist": "as boxplot",
    "dumps": "pickles into a text; nothing that is listed reads one",
    "info": "it writes to what has a method for that, and opens nothing",
    "open_left": "a side of an interval",
    "open_right": "as open_left",
    "query_ball_point": "of trees of points",
    "query_ball_tree": "of trees of points",
    "query_pairs": "of trees of points",
    "query_radius": "of trees of points",
}
REFUSED_METHODS = vocabulary.ARRAY_METHODS | vocabulary.TABLE_METHODS | vocabulary.TEXT_METHODS

Found = dict[str, dict[str, object]]


@pytest.fixture(scope="module", params=LIBRARIES)
def found(request: pytest.FixtureRequest) -> Found:
    """What there is to say about the lists of one library, from an interpreter of its own."""
    library = str(request.param)
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed; run {PROGRAM.name} with an interpreter that has it")
    command = [sys.executable, "-W", "ignore", str(PROGRAM), str(POLICY), library]
    answer: Found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return answer


def _without(names: Mapping[str, object], argued: Mapping[str, str]) -> list[str]:
    return [name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in argued)]


def test_what_is_listed_exists(found: Found) -> None:
    assert [name for name in found["missing"] if name not in OF_SOME_VERSIONS.split()] == []


def test_nothing_that_is_listed_is_a_module_or_does_more_than_compute(found: Found) -> None:
    assert _without(found["wrong"], ARGUED) == []
    assert _without(found["parameters"], ARGUED_PARAMETERS) == []


def test_methods_that_do_more_than_compute_are_refused_on_every_value(found: Found) -> None:
    assert _without({name: 0 for name in found["methods"] if name not in REFUSED_METHODS}, ARGUED_METHODS) == []


def test_control_what_reads_and_writes_is_seen(tmp_path: Path) -> None:
    """The look that finds nothing in the lists finds what is left out of them."""
    names = '"load", "ctypeslib", "loadtxt", "memmap", "no_such_name", "ndarray"'
    (tmp_path / "policy.toml").write_text(f"[static.imports]\nnumpy = [{names}]\n", "utf-8")
    command = [sys.executable, "-W", "ignore", str(PROGRAM), str(tmp_path / "policy.toml"), "numpy"]
    seen: Found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert list(seen["missing"]) == ["numpy.no_such_name"]
    assert set(seen["wrong"]) == {"numpy.load", "numpy.ctypeslib", "numpy.loadtxt", "numpy.memmap"}
    assert "file" in str(seen["parameters"]["numpy.load"])
    assert {"ctypes", "dump", "tofile"} <= set(seen["methods"])


def test_the_lists_of_libraries_have_no_stars() -> None:
    """A star would let in what the next version of a library brings, before anybody has looked at it."""
    imports = Policy.load("data").static.imports
    starred = [module for module in imports if module.partition(".")[0] in LIBRARIES and "*" in imports[module]]
    assert starred == []


def test_what_must_stay_out_is_out() -> None:
    allowance = Allowance(Policy.load("data").static.imports)
    deeds = """
    numpy.load numpy.save numpy.fromfile numpy.memmap numpy.ctypeslib numpy.f2py numpy.loadtxt numpy.genfromtxt
    numpy.ctypeslib.load_library numpy.lib.stride_tricks.as_strided numpy.bmat numpy.ma.fromfile numpy.testing.runstring
    scipy.io scipy.io.loadmat scipy.LowLevelCallable scipy.sparse.load_npz scipy.sparse.save_npz
    scipy.fft.set_global_backend scipy.special.os scipy.stats.test scipy.datasets.face scipy.optimize.show_options
    pandas.read_pickle pandas.read_sql pandas.read_html pandas.read_parquet pandas.eval pandas.HDFStore pandas.ExcelFile
    pandas.io.common.os pandas.testing.os
    sklearn.datasets.fetch_openml sklearn.datasets.load_files sklearn.datasets.load_svmlight_file
    sklearn.datasets.dump_svmlight_file sklearn.tree.export_graphviz sklearn.utils.parallel_backend
    sklearn.utils.register_parallel_backend sklearn.utils.all_estimators sklearn.utils.validation.wraps
    sklearn.metrics.pairwise.Parallel sklearn.discriminant_analysis.linalg joblib.load
    """
    assert [path for path in deeds.split() if allowance.allows(path)] == []
