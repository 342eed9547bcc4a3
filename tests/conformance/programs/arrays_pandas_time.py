# policy: data
import pandas as pd

days = pd.date_range("2024-01-30", periods=4, freq="D")
series = pd.Series([1.0, None, 3.0, 4.0], index=days, name="value")
print(series.interpolate(), series.resample("MS").sum(), series.rolling(2).mean(), sep="\n")
left = pd.DataFrame({"k": ["a", "b"], "x": [1, 2]})
print(left.merge(pd.DataFrame({"k": ["b", "c"], "y": [3, 4]}), how="outer", on="k"))
try:
    left["missing"]
except KeyError as error:
    print("KeyError", error)
