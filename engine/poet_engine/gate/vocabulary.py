"""The names that the gate knows: what it lets through, what it refuses. Everything else is mechanism."""

import builtins
import re


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


# What a source may be made of. `except*`, template strings and what later versions bring are not in it.
SYNTAX = _words(
    "Module FunctionDef AsyncFunctionDef ClassDef Return Delete Assign TypeAlias AugAssign AnnAssign For AsyncFor "
    "While If With AsyncWith Match Raise Try Assert Import ImportFrom Global Nonlocal Expr Pass Break Continue "
    "BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Await Yield YieldFrom "
    "Compare Call FormattedValue JoinedStr Constant Attribute Subscript Starred Name List Tuple Slice Load Store Del "
    "And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd USub "
    "Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn comprehension ExceptHandler arguments arg keyword alias withitem "
    "match_case MatchValue MatchSingleton MatchSequence MatchMapping MatchClass MatchStar MatchAs MatchOr "
    "TypeVar ParamSpec TypeVarTuple",
)

ALLOWED_BUILTINS = _words(
    "abs aiter all anext any ascii bin bool bytearray bytes callable chr classmethod complex delattr dict divmod "
    "enumerate filter float format frozenset getattr hasattr hash hex id int isinstance issubclass iter len list map "
    "max memoryview min next object oct ord pow print property range repr reversed round set setattr slice sorted "
    "staticmethod str sum super tuple type zip Ellipsis NotImplemented None True False __name__ __doc__ __debug__ "
    # exceptions that code raises and catches; not those that end the interpreter
    "ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError "
    "BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError "
    "ConnectionResetError DeprecationWarning EOFError EnvironmentError Exception ExceptionGroup FileExistsError "
    "FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError IndexError "
    "InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError "
    "NameError NotADirectoryError NotImplementedError OSError OverflowError PermissionError ProcessLookupError "
    "RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration "
    "SyntaxError SyntaxWarning TimeoutError TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError "
    "UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError",
)
# `site` adds the second group to the builtins of an interactive Python.
BUILTINS = frozenset(dir(builtins)) | {"copyright", "credits", "exit", "help", "license", "quit"}
BY_NAME = frozenset({"getattr", "setattr", "delattr", "hasattr"})

# Methods that a class may define and that may be called by name: operators and the usual protocols.
_OPERATORS = (
    "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor radd rsub rmul rmatmul rtruediv "
    "rfloordiv rmod rdivmod rpow rlshift rrshift rand ror rxor iadd isub imul imatmul itruediv ifloordiv imod ipow "
    "ilshift irshift iand ior ixor neg pos abs invert complex int float index round trunc floor ceil"
)
_PROTOCOLS = (
    "init new post_init repr str bytes format lt le eq ne gt ge hash bool len length_hint getitem setitem delitem "
    "missing iter next reversed contains call enter exit aenter aexit aiter anext await init_subclass set_name get set "
    "delete class_getitem copy deepcopy getattr setattr delattr sizeof"
)
SPECIAL_METHODS = frozenset(f"__{name}__" for name in _words(_OPERATORS, _PROTOCOLS))
MODULE_NAMES = frozenset({"__all__", "__author__", "__doc__", "__license__", "__version__"})
CLASS_NAMES = SPECIAL_METHODS | {"__slots__", "__doc__", "__array_priority__"}

READABLE = SPECIAL_METHODS | {"__name__", "__qualname__", "__doc__", "__members__"}
OF_CLASS = frozenset({"__name__", "__qualname__", "__doc__"})
# By name and not by prefix: `f_oneway` and `co_author` are ordinary.
INSIDE = _words(
    "f_back f_builtins f_code f_globals f_lasti f_lineno f_locals f_trace f_trace_lines f_trace_opcodes f_generator "
    "gi_code gi_frame gi_running gi_suspended gi_yieldfrom cr_await cr_code cr_frame cr_origin cr_running cr_suspended "
    "ag_await ag_code ag_frame ag_running ag_suspended tb_frame tb_lasti tb_lineno tb_next co_argcount co_cellvars "
    "co_code co_consts co_exceptiontable co_filename co_firstlineno co_flags co_freevars co_kwonlyargcount co_lines "
    "co_linetable co_lnotab co_name co_names co_nlocals co_positions co_posonlyargcount co_qualname co_stacksize "
    "co_varnames func_code func_globals func_closure func_defaults mro with_traceback",
)

ARRAY_METHODS = frozenset({"ctypes", "dump", "tofile"})
TABLE_METHODS = _words(
    "eval query to_clipboard to_excel to_feather to_gbq to_hdf to_iceberg to_orc to_parquet to_pickle to_sql to_stata",
)
# Without a path these return a text; with one they write a file.
TEXT_METHODS = frozenset({"to_csv", "to_html", "to_json", "to_latex", "to_markdown", "to_xml"})
PATHS = frozenset({"buf", "path_or_buf", "path_or_buffer", None})
READERS = re.compile(
    r"read_(?:clipboard|csv|excel|feather|fwf|hdf|html|json|orc|parquet|pickle|sas|spss|sql\w*|stata|table|xml)"
)
# Methods of tables that take another method's name as a text.
DISPATCH = frozenset({"agg", "aggregate", "apply", "map", "pipe", "transform"})

REACHING = frozenset(
    f"__{name}__"
    for name in _words(
        "bases builtins closure code getattribute globals import loader mro reduce reduce_ex spec subclasses "
        "traceback wrapped",
    )
)

# What `*` never covers. An explicit entry of the policy does.
DENIED = frozenset(
    {
        "operator.attrgetter",  # attributes by names made at run time
        "operator.methodcaller",
        "typing.get_type_hints",  # runs annotations that are text
        "typing.ForwardRef",
    },
)
# Outside the standard library nothing is imported to look inside, so `*` refuses what usually reads and writes files,
# runs text, or is another module under a short name.
DENIED_LEAVES = _words(
    "DataSource ctypeslib dump eval f2py fromfile fromregex genfromtxt io load loadtxt memmap np pd pytest query save "
    "savetxt savez savez_compressed sp test tofile to_pickle xp xpx",
)
DENIED_STARTS = ("read_",)
