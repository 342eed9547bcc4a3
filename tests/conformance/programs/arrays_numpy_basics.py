# policy: data
import numpy as np

a = np.arange(12).reshape(3, 4)
print(a, a.T.shape, a[a % 2 == 0], a.sum(axis=0), (a @ a.T).trace(), a.dtype)
print(np.linalg.solve(np.array([[3.0, 1], [1, 2]]), np.array([9, 8])), np.linspace(0, 1, 5), np.where(a > 5, 1, 0).sum())
rng = np.random.default_rng(7)
print(rng.integers(0, 10, 5), rng.normal(size=2).round(6), np.percentile(a, [25, 75]), np.unique([3, 1, 3], return_counts=True))
with np.errstate(divide="raise"):
    try:
        np.array([1.0]) / 0
    except FloatingPointError as error:
        print(error)
try:
    np.zeros((2, 3)) @ np.zeros((2, 3))
except ValueError as error:
    print(str(error)[:20])
