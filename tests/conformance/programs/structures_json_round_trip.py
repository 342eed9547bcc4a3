import json
from datetime import date

data = {"name": "Zoë", "tags": ["a", None, True], "size": 1.5e10, "nested": {"1": [1, [2, [3]]]}}
text = json.dumps(data, indent=2, sort_keys=True)
print(text)
print(json.loads(text) == data, json.dumps(data, ensure_ascii=False, separators=(",", ":")))
print(json.dumps({"day": date(2024, 2, 29)}, default=str), json.dumps(float("nan")), json.loads("[1e5, -0]"))
for bad in ('{"a": 1,}', "[1, 2", "nul", '{"a" 1}'):
    try:
        json.loads(bad)
    except json.JSONDecodeError as error:
        print(error)
