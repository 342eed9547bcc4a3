import sys
import warnings

print(sys.warnoptions, [f[2].__name__ for f in warnings.filters][:5])
open(__file__ if False else "new.txt", "w")
warnings.simplefilter("default")
warnings.showwarning = lambda message, category, *rest: print(category.__name__, type(message).__name__)
open("new.txt")
warnings.warn("own")
print(warnings.formatwarning("m", UserWarning, "f.py", 3, "code"), end="")
