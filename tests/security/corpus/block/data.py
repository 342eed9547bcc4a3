# case: numpy loads (data)
import numpy as np
# ruleid: POET111
x = np.load("x.npy", allow_pickle=True)
# case: numpy loads by an import (data)
# ruleid: POET111
from numpy import load
# case: numpy by another name (data)
import numpy
# ruleid: POET113
m = numpy
m.load("x")
# case: numpy in a list (data)
import numpy
# ruleid: POET113
[numpy][0].load("x")
# case: a part of numpy as a value (data)
import numpy as np
# ruleid: POET113
la = np.linalg
# case: numpy saves (data)
import numpy as np
# ruleid: POET111
np.save("x", [1])
# case: numpy reads text (data)
import numpy as np
# ruleid: POET111
np.loadtxt("x")
# case: numpy reads text with checks (data)
import numpy as np
# ruleid: POET111
np.genfromtxt("x")
# case: numpy reads a file (data)
import numpy as np
# ruleid: POET111
np.fromfile("x")
# case: numpy maps a file (data)
import numpy as np
# ruleid: POET111
np.memmap("x")
# case: numpy and foreign libraries (data)
# ruleid: POET110
import numpy.ctypeslib
# case: numpy and foreign libraries, by attribute (data)
import numpy as np
# ruleid: POET111
np.ctypeslib.load_library("libc", "/")
# case: numpy compiles (data)
# ruleid: POET110
import numpy.f2py
# case: memory outside an array (data)
# ruleid: POET111
from numpy.lib.stride_tricks import as_strided
# case: an array into a file (data)
def f(a):
    # ruleid: POET133
    a.tofile("x")
# case: an array pickled (data)
def f(a):
    # ruleid: POET133
    a.dump("x")
# case: the address of an array (data)
import numpy as np
# ruleid: POET133
p = np.zeros(3).ctypes.data
# case: the interface of an array (data)
import numpy as np
# ruleid: POET130
p = np.zeros(3).__array_interface__
# case: numpy's own test runner (data)
import numpy as np
# ruleid: POET111
np.test()
# case: an array beyond all limits (data)
import numpy as np
# ruleid: POET141
x = np.zeros((10**6, 10**6))
# case: a method of an array bound (data)
import numpy as np
a = np.zeros(3)
# ruleid: POET133
save = a.tofile
# case: scipy reads (data)
# ruleid: POET110
import scipy.io
# case: scipy reads, by attribute (data)
# ruleid: POET111
from scipy import io
# case: scipy's callbacks into C (data)
# ruleid: POET111
from scipy import LowLevelCallable
# case: pandas reads (data)
import pandas as pd
# ruleid: POET111
pd.read_csv("x")
# case: pandas reads pickles (data)
import pandas as pd
# ruleid: POET111
pd.read_pickle("x")
# case: pandas evaluates (data)
import pandas as pd
# ruleid: POET111
pd.eval("@pd.compat.os.system('id')")
# case: a table evaluates (data)
def f(df):
    # ruleid: POET133
    return df.eval("a + b")
# case: a table queries (data)
def f(df):
    # ruleid: POET133
    return df.query("@__import__('os').system('id')")
# case: a table into a file (data)
def f(df):
    # ruleid: POET133
    df.to_csv("x.csv")
# case: a table pickled (data)
def f(df):
    # ruleid: POET133
    df.to_pickle("x")
# case: a table into a database (data)
def f(df, c):
    # ruleid: POET133
    df.to_sql("t", c)
# case: a table's method by its name (data)
def f(df):
    # ruleid: POET133
    return df.apply("to_pickle")
# case: a table's method by its name in a list (data)
def f(df):
    # ruleid: POET133
    return df.agg(["mean", "to_pickle"])
# case: a table's method by its name in a dictionary (data)
def f(df):
    # ruleid: POET133
    return df.agg({"a": "to_sql"})
# case: a template of a table's style (data)
def f(df):
    # ruleid: POET133
    return df.style.from_custom_template("/etc", "passwd")
# case: pandas by its inner module (data)
import pandas as pd
# ruleid: POET111
pd.io.common.os
# case: pandas and pickled stores (data)
import pandas as pd
# ruleid: POET111
pd.HDFStore("x")
# case: sklearn fetches (data)
# ruleid: POET111
from sklearn.datasets import fetch_openml
# case: sklearn loads files (data)
# ruleid: POET111
from sklearn.datasets import load_files
# case: joblib (data)
# ruleid: POET110
import joblib
# case: getattr of a reader (data)
def f(pd):
    # ruleid: POET133
    return getattr(pd, "read_csv")("x")
# case: getattr with the beginning of a writer (data)
def f(df, kind):
    # ruleid: POET121
    return getattr(df, "to_" + kind)("x")
# case: a reader from a value (data)
def f(x):
    # ruleid: POET133
    return x.read_html("x")

# case: pandas imports a module to draw with (data)
import pandas as pd
# ruleid: POET116
with pd.option_context("plotting.backend", "os"):
    pass
# case: options by a pattern (data)
import pandas as pd
# ruleid: POET116
pd.set_option("display|plotting.backend", "os")
# case: a table as a text into a file (data)
def f(df):
    # ruleid: POET133
    return df.to_string("/tmp/x")
# case: a table queries beside a tree (data)
import pandas as pd
from scipy.spatial import KDTree
def f(tree):
    # ruleid: POET133
    return tree.query("@__import__('os')")
# case: an array into a file beside a class of one's own (data)
import numpy as np
class Log:
    def tofile(self, path):
        return path
# ruleid: POET133
np.zeros(3).tofile("/tmp/x")
# case: memory by an answer for any name (data)
import numpy as np
class A:
    # ruleid: POET134
    def __getattr__(self, name):
        return {"data": (1, False), "shape": (8,), "typestr": "|u1", "version": 3}
np.asarray(A())
# case: foreign functions of a generator of numbers (data)
import numpy as np
# ruleid: POET133
np.random.default_rng().bit_generator.cffi
# case: texts that are names of files (data)
from sklearn.feature_extraction.text import CountVectorizer
# ruleid: POET116
CountVectorizer(input="filename").fit(["/etc/passwd"])
# case: texts that are names of files, set later (data)
from sklearn.feature_extraction.text import CountVectorizer
# ruleid: POET116
CountVectorizer().set_params(input="filename").fit(["/etc/passwd"])
# case: a pipeline that pickles into a folder (data)
from sklearn.pipeline import Pipeline
# ruleid: POET116
Pipeline([], memory="/tmp/x")
# case: attributes of a model by a path (data)
from sklearn.feature_selection import RFE
# ruleid: POET116
RFE(1, importance_getter="fit.__func__.__globals__")
# case: methods of a model by a list (data)
from sklearn.metrics import make_scorer
# ruleid: POET116
make_scorer(print, response_method=["__getattribute__"])
# case: a module that a part of sklearn holds (data)
# ruleid: POET111
from sklearn.discriminant_analysis import scipy
# case: a decorator by way of sklearn (data)
# ruleid: POET111
from sklearn.utils.validation import wraps
# case: a tree drawn into a file (data)
# ruleid: POET111
from sklearn.tree import export_graphviz
# case: sparse matrices from files (data)
# ruleid: POET111
from scipy.sparse import load_npz
# case: a module that a part of scipy holds (data)
# ruleid: POET111
from scipy.special import os
# case: memory by an answer that is put in later (data)
import numpy as np
class A:
    pass
# ruleid: POET134
A.__getattr__ = lambda self, name: {"data": (1, False), "shape": (8,), "typestr": "|u1", "version": 3}
np.asarray(A())
