# policy: data
import io

import pandas as pd

text = "city,year,sales\nRome,2023,10\nOslo,2023,7\nRome,2024,12\nOslo,2024,\n"
frame = pd.read_csv(io.StringIO(text))
print(frame, frame.dtypes, frame.describe(), sep="\n")
print(frame.groupby("city")["sales"].agg(["sum", "mean"]))
print(frame.pivot_table(index="city", columns="year", values="sales"))
frame["sales"] = frame["sales"].fillna(0).astype(int)
frame.sort_values(["year", "sales"]).to_csv("out.csv", index=False)
print(open("out.csv").read(), frame.to_json(orient="records"))
