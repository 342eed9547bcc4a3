import importlib.resources
import json
import os

source = importlib.resources.files("json").joinpath("decoder.py").read_text()
print("class JSONDecoder" in source, os.path.basename(json.__file__))
import inspect

print(inspect.getsource(json.dumps).startswith("def dumps("), inspect.getmodule(json.dumps).__name__)
