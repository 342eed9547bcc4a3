# ok: arrays (data)
import numpy as np
def standardise(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, dtype=float)
    return (x - x.mean(axis=0)) / np.where(x.std(axis=0) == 0, 1, x.std(axis=0))
# ok: linear algebra (data)
import numpy as np
from numpy.linalg import inv, norm
def solve(a, b):
    if np.linalg.matrix_rank(a) < len(a):
        raise np.linalg.LinAlgError("singular")
    q, r = np.linalg.qr(a)
    return inv(a) @ b, np.linalg.solve(a, b), norm(b), np.linalg.eigvals(a), q @ r
# ok: indexing (data)
import numpy as np
a = np.arange(12).reshape(3, 4)
a[a > 5] = 0
a[:, 1] += 1
print(a[..., None].shape, a[::2, ::-1], a.T, np.newaxis is None, a[[0, 1], [1, 2]], np.where(a), a.argmax(), a.flatten().tolist(), np.ix_([0], [1]))
# ok: chance with arrays (data)
import numpy as np
rng = np.random.default_rng(0)
sample = rng.normal(0, 1, size=(100, 3))
np.random.seed(0)
other = np.random.rand(3, 2) + np.random.randn(3, 2) + np.random.randint(0, 5, (3, 2))
boot = [rng.choice(sample[:, 0], 100).mean() for _ in range(10)]
print(np.percentile(boot, [2.5, 97.5]), np.random.choice([1, 2]), np.random.shuffle([1]))
# ok: softmax and a small network (data)
import numpy as np
class Network:
    def __init__(self, sizes, seed=0):
        r = np.random.default_rng(seed)
        self.w = [r.normal(0, np.sqrt(2 / a), (a, b)) for a, b in zip(sizes, sizes[1:])]
    def forward(self, x):
        for w in self.w[:-1]:
            x = np.maximum(0, x @ w)
        z = x @ self.w[-1]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
# ok: moving average and convolution (data)
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
def moving(x, n): return np.convolve(x, np.ones(n) / n, mode="valid"), sliding_window_view(np.asarray(x), n).mean(axis=1)
# ok: k means (data)
import numpy as np
def kmeans(x, k, steps=50, rng=np.random.default_rng(1)):
    centres = x[rng.choice(len(x), k, replace=False)]
    for _ in range(steps):
        labels = np.argmin(((x[:, None] - centres) ** 2).sum(-1), axis=1)
        new = np.array([x[labels == j].mean(axis=0) if (labels == j).any() else centres[j] for j in range(k)])
        if np.allclose(new, centres):
            break
        centres = new
    return labels, centres
# ok: structured and dated arrays (data)
import numpy as np
t = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
d = np.datetime64("2020-01-01") + np.arange(3) * np.timedelta64(1, "D")
print(t["a"], d.astype("datetime64[M]"), np.finfo(float).eps, np.iinfo(np.int32).max, t.dtype.names, a.nbytes if (a := np.zeros(3)).size else 0)
# ok: polynomials and transforms (data)
import numpy as np
from numpy.polynomial import Polynomial
p = np.poly1d(np.polyfit([0, 1, 2], [1, 3, 7], 2))
print(p(3), Polynomial.fit([0, 1], [1, 2], 1).convert().coef, np.fft.rfft([1, 2, 3]), np.fft.fftfreq(4), np.interp(1.5, [1, 2], [3, 4]), np.trapezoid if hasattr(p, "x") else np.cumsum([1, 2]))
# ok: errors of floating point (data)
import numpy as np
def ratio(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.true_divide(a, b)
    return np.nan_to_num(r, nan=0.0, posinf=0.0)
# ok: tables (data)
import pandas as pd
def summary(df: pd.DataFrame) -> pd.DataFrame:
    out = (df.assign(total=lambda d: d["price"] * d["quantity"]).groupby(["shop", "day"], as_index=False).agg(total=("total", "sum"), mean=("price", "mean")).sort_values("total", ascending=False).reset_index(drop=True))
    out.columns = [c.upper() for c in out.columns]
    return out
# ok: tables that are cleaned (data)
import numpy as np
import pandas as pd
def clean(df):
    df = df.copy()
    df["age"] = pd.to_numeric(df["age"], errors="coerce").fillna(df["age"].median())
    df["name"] = df["name"].str.strip().str.title().replace("", np.nan)
    df = df.dropna(subset=["name"]).drop_duplicates().rename(columns={"a": "b"}).astype({"age": int})
    df.loc[df["age"] > 100, "age"] = 100
    return df[df["age"].between(0, 100) & ~df["name"].isin(["x"])]
# ok: tables joined and pivoted (data)
import pandas as pd
left = pd.DataFrame({"k": [1, 2], "a": [3, 4]})
right = pd.DataFrame({"k": [1, 3], "b": [5, 6]})
m = left.merge(right, on="k", how="outer", indicator=True)
print(pd.concat([left, right], axis=0, ignore_index=True).pivot_table(index="k", values="a", aggfunc="mean"), m.melt(id_vars="k"), pd.crosstab(m["k"], m["_merge"]), m.describe(), m.head().to_dict("records"), m.values.tolist(), m.T, m.iloc[0], m.at[0, "k"])
# ok: time series (data)
import pandas as pd
def monthly(s: pd.Series) -> pd.Series:
    s.index = pd.to_datetime(s.index)
    r = s.resample("MS").sum()
    return r.rolling(3, min_periods=1).mean().shift(1).pct_change().diff().ewm(span=3).mean()
idx = pd.date_range("2020-01-01", periods=5, freq="D")
print(pd.Series(range(5), index=idx).dt if False else idx.dayofweek, pd.Timestamp("2020-01-01") + pd.Timedelta(days=1))
# ok: rows and columns applied (data)
import pandas as pd
def f(df):
    df["c"] = df.apply(lambda row: row["a"] + row["b"], axis=1)
    df["d"] = df["a"].map({1: "x"}).astype("category")
    for i, row in df.iterrows():
        print(i, row["a"])
    for t in df.itertuples(index=False):
        print(t.a)
    return df.groupby("d")["c"].transform("mean"), df.pipe(lambda d: d.sum()), df["a"].apply(str), df.agg(["mean", "std"]), df.cut if False else pd.cut(df["a"], bins=[0, 1, 2], labels=["l", "h"])
# ok: text out of a table (data)
import pandas as pd
def text(df): return df.to_csv(index=False), df.to_json(orient="records"), df.to_string(), df.to_html(), df.to_dict(), df.to_numpy()
# ok: statistics (data)
import numpy as np
from scipy import stats
from scipy.stats import chi2_contingency, ks_2samp, norm, ttest_ind
def drift(a, b, alpha=0.05):
    statistic, p = ks_2samp(a, b)
    t = ttest_ind(a, b, equal_var=False)
    return {"drift": bool(p < alpha), "score": float(statistic), "t": float(t.pvalue), "w": stats.wasserstein_distance(a, b), "u": stats.mannwhitneyu(a, b).pvalue, "z": norm.ppf(1 - alpha / 2), "c": chi2_contingency(np.array([[1, 2], [3, 4]]))[1]}
# ok: optimisation (data)
import numpy as np
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import interp1d
from scipy.optimize import brentq, curve_fit, linprog, minimize
from scipy.spatial.distance import cdist
def model(x, a, b): return a * np.exp(-b * x)
x = np.linspace(0, 4, 50)
popt, pcov = curve_fit(model, x, model(x, 2.5, 1.3))
res = minimize(lambda v: ((v - 1) ** 2).sum(), np.zeros(2), method="BFGS")
print(quad(np.sin, 0, np.pi)[0], brentq(lambda v: v - 1, 0, 2), res.x, cdist(np.eye(2), np.eye(2)), interp1d([0, 1], [1, 2])(0.5), solve_ivp(lambda t, y: -y, (0, 1), [1.0]).y)
# ok: learning (data)
import numpy as np
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, classification_report, mean_squared_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
x, y = load_iris(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(x_train, y_train)
print(accuracy_score(y_test, model.predict(x_test)), cross_val_score(RandomForestClassifier(), x, y, cv=3).mean(), model.score(x_test, y_test))
# ok: a transformer of one's own (data)
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
class Clip(BaseEstimator, TransformerMixin):
    def __init__(self, low=0.0, high=1.0): self.low, self.high = low, high
    def fit(self, x, y=None):
        self.n_features_in_ = np.asarray(x).shape[1]
        return self
    def transform(self, x): return np.clip(x, self.low, self.high)
# ok: population stability index (data)
import numpy as np
def psi(reference, current, bins=10):
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)))
    edges[0], edges[-1] = -np.inf, np.inf
    r = np.clip(np.histogram(reference, edges)[0] / len(reference), 1e-6, None)
    c = np.clip(np.histogram(current, edges)[0] / len(current), 1e-6, None)
    return float(np.sum((c - r) * np.log(c / r)))
# ok: the version of a library (data)
import numpy as np
import pandas as pd
print(np.__version__, pd.__version__)
# ok: a table out of a text (data)
import csv
import io
import pandas as pd
TEXT = """day,price
2024-01-01,3
"""
table = pd.DataFrame(list(csv.DictReader(io.StringIO(TEXT))))
pd.set_option("display.max_rows", 20, "display.width", 100)
with pd.option_context("display.precision", 2):
    print(table.to_string(index=False))
# ok: trees of points (data)
import numpy as np
from scipy.spatial import KDTree, cKDTree
from sklearn.neighbors import BallTree
points = np.random.default_rng(0).normal(size=(20, 2))
class Near:
    def __init__(self, points):
        self.tree = cKDTree(points)
    def near(self, point):
        distance, index = self.tree.query(point, k=1)
        return index
print(KDTree(points).query([0, 0], 3), BallTree(points).query(points[:1], k=2), KDTree(points).query_ball_point([0, 0], 0.5))
# ok: sparse matrices and constants (data)
import numpy as np
from scipy import constants, sparse
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.sparse.linalg import spsolve
a = csr_matrix(([1.0, 2.0], ([0, 1], [0, 1])), shape=(2, 2))
print(spsolve(a, np.ones(2)), dijkstra(a), connected_components(a), sparse.eye(2).toarray(), constants.c)
# ok: types and errors of tables (data)
import pandas as pd
from pandas.api.types import is_numeric_dtype
from pandas.tseries.offsets import BDay
def numbers(df):
    if df.empty:
        raise pd.errors.EmptyDataError("no rows")
    pd.testing.assert_frame_equal(df, df)
    return [c for c in df.columns if is_numeric_dtype(df[c])], pd.Timestamp("2024-01-01") + 2 * BDay()
# ok: masked arrays and comparisons (data)
import numpy as np
m = np.ma.masked_invalid([1.0, np.nan])
np.testing.assert_allclose(m.mean(), 1.0, rtol=1e-6)
# ok: validation of models (data)
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.experimental import enable_iterative_imputer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.impute import IterativeImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, f1_score
from sklearn.pipeline import Pipeline
from sklearn.utils import resample, shuffle
from sklearn.utils.validation import check_array, check_is_fitted
steps = [("text", TfidfVectorizer(ngram_range=(1, 2))), ("choose", SelectFromModel(LogisticRegression(), importance_getter="coef_")), ("model", LogisticRegression())]
model = Pipeline(steps, memory=None)
print(clone(model), is_classifier(model), make_scorer(f1_score, response_method="predict"), shuffle([1, 2], random_state=0))
# ok: attributes that are looked up beside arrays (data)
import numpy as np
class Wrapped:
    def __init__(self, values):
        self.values = np.asarray(values)
    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return {"total": self.values.sum()}[name]
    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)
