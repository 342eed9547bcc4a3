"""The names that the gate allows and refuses; all other modules of the gate are mechanism."""

import builtins
import re
from collections.abc import Mapping
from typing import NamedTuple


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


# The node types that a source may have; NOT_ALLOWED has the others, and a test holds both against the running version.
SYNTAX = _words(
    "Module FunctionDef AsyncFunctionDef ClassDef Return Delete Assign TypeAlias AugAssign AnnAssign For AsyncFor "
    "While If With AsyncWith Match Raise Try TryStar Assert Import ImportFrom Global Nonlocal Expr Pass Break Continue "
    "BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Await Yield YieldFrom "
    "Compare Call FormattedValue JoinedStr Constant Attribute Subscript Starred Name List Tuple Slice Load Store Del "
    "And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv Invert Not UAdd USub "
    "Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn comprehension ExceptHandler arguments arg keyword alias withitem "
    "match_case MatchValue MatchSingleton MatchSequence MatchMapping MatchClass MatchStar MatchAs MatchOr "
    "TypeVar ParamSpec TypeVarTuple",
)
# Node types that no rule judges, with the reason.
NOT_ALLOWED = {
    "Expression": "only `eval` has it", "Interactive": "only an interactive prompt has it",
    "FunctionType": "only comments about types have it", "TypeIgnore": "the parser is not asked for it",
    "Interpolation": "its parts travel as an object, and the rules for formats do not follow them",
    "TemplateStr": "its parts travel as an object, and the rules for formats do not follow them",
}  # fmt: skip

ALLOWED_BUILTINS = _words(
    "abs aiter all anext any ascii bin bool bytearray bytes callable chr classmethod complex delattr dict divmod "
    "enumerate filter float format frozenset getattr hasattr hash hex id input int isinstance issubclass iter len list "
    "map max memoryview min next object oct ord pow print property range repr reversed round set setattr slice sorted "
    "staticmethod str sum super tuple type zip Ellipsis NotImplemented None True False __name__ __doc__ __debug__ "
    # exceptions that code raises and catches: all of them
    "ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError "
    "BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError "
    "ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError EncodingWarning EnvironmentError "
    "Exception ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit "
    "IOError ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError "
    "KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError "
    "NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError ProcessLookupError "
    "PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning "
    "StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError "
    "TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError "
    "UnicodeWarning UserWarning ValueError Warning ZeroDivisionError",
)
# `site` adds the second group to the builtins of an interactive Python.
BUILTINS = frozenset(dir(builtins)) | {"copyright", "credits", "exit", "help", "license", "quit"}
# `hasattr` is not among them: it only returns a truth value.
BY_NAME = frozenset({"getattr", "setattr", "delattr"})
HOOKS = frozenset({"__delattr__", "__getattr__", "__setattr__"})  # the same, as methods
TYPES = _words("bool bytearray bytes complex dict float frozenset int list object range set str tuple type")

# Advice for single builtins, in addition to the rule's own.
INSTEAD = {
    "open": "take the text or the lines as an argument",
    "eval": "for literals there is ast.literal_eval or json.loads",
    "exec": "write the code out",
    "exit": "it is for interactive use, and not there; return, or use sys.exit",
    "quit": "it is for interactive use, and not there; return, or use sys.exit",
    "vars": "keep the values in a dictionary, or use dataclasses.asdict",
    "dir": "keep the names in a list",
    "globals": "keep the values in a dictionary",
    "locals": "keep the values in a dictionary",
    "__import__": "write an import statement",
}

FORMATS = frozenset({"format", "format_map"})  # they follow attributes that a string names

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
# Metadata of a module. The interpreter reads only the first two, and as strings.
MODULE_NAMES = frozenset(
    f"__{name}__"
    for name in _words(
        "all doc author authors contact contributors copyright credits date description docformat email license "
        "maintainer maintainers revision status summary title url version version_info",
    )
)
CLASS_NAMES = SPECIAL_METHODS | _words(
    "__slots__ __doc__ __dir__ __subclasshook__ "
    "__array__ __array_finalize__ __array_function__ __array_priority__ __array_ufunc__",
)

READABLE = SPECIAL_METHODS | _words(
    "__name__ __qualname__ __doc__ __members__ __module__ __version__ "
    "__cause__ __context__ __suppress_context__ __notes__",  # other exceptions and texts, not what they passed through
)
# Builtins that read only the keys of a dictionary.
NAMES_ONLY = frozenset({"frozenset", "len", "list", "set", "sorted", "tuple"})
# Private by name, public by documentation: of named tuples and of enumerations.
PUBLISHED = _words(
    "_ _asdict _field_defaults _fields _generate_next_value_ _ignore_ _make _member_map_ _member_names_ _missing_ "
    "_name_ _order_ _replace _value2member_map_ _value_",
)
# By name and not by prefix: `f_oneway` and `co_author` are ordinary.
INSIDE = _words(
    "f_back f_builtins f_code f_globals f_lasti f_lineno f_locals f_trace f_trace_lines f_trace_opcodes f_generator "
    "gi_code gi_frame gi_running gi_suspended gi_yieldfrom cr_await cr_code cr_frame cr_origin cr_running cr_suspended "
    "ag_await ag_code ag_frame ag_running ag_suspended tb_frame tb_lasti tb_lineno tb_next co_argcount co_cellvars "
    "co_code co_consts co_exceptiontable co_filename co_firstlineno co_flags co_freevars co_kwonlyargcount co_lines "
    "co_linetable co_lnotab co_name co_names co_nlocals co_positions co_posonlyargcount co_qualname co_stacksize "
    "co_varnames func_code func_globals func_closure func_defaults mro with_traceback",
    # private doors of the standard library: a module's dictionary as an enumeration, a module kept by a class
    "_convert _convert_ _getframe _module attrname",  # and the name under which a cached property puts its value
)

ARRAY_METHODS = frozenset({"cffi", "ctypes", "dump", "tofile"})
TABLE_METHODS = _words(
    "eval query to_clipboard to_excel to_feather to_gbq to_hdf to_iceberg to_orc to_parquet to_pickle to_sql to_stata",
    # of what `.style` gives: templates that follow attributes, and files of templates
    "from_custom_template from_string savefig template_html template_html_style template_html_table template_latex "
    "template_string template_typst",
)
# A policy that lists this function means that pictures become files; figures have the method of the same name.
SAVES_PICTURES = "matplotlib.pyplot.savefig"
PICTURE_METHODS = frozenset({"savefig"})
# Only a source that imports one of these gets values with the methods that are refused on them.
WITH_ARRAYS = frozenset({"numpy", "pandas", "scipy", "sklearn"})
WITH_STREAMS = frozenset({"logging", "sys"})
# It returns types written as strings, which from Python 3.14 on have a public method that evaluates the string.
TYPE_PARTS = "typing.get_args"
TYPE_METHODS = frozenset({"evaluate"})
# Of the standard streams: they lead to objects that open files by their number or name.
STREAM_METHODS = frozenset({"detach", "fileno", "raw"})
# Without a path these return a string; with one they write a file.
TEXT_METHODS = frozenset({"to_csv", "to_html", "to_json", "to_latex", "to_markdown", "to_string", "to_xml"})
PATHS = frozenset({"buf", "path_or_buf", "path_or_buffer", None})
READERS = re.compile(
    r"read_(?:clipboard|csv|excel|feather|fwf|hdf|html|json|orc|parquet|pickle|sas|spss|sql\w*|stata|table|xml)"
)
# Methods of tables that take another method's name as a string.
DISPATCH = frozenset({"agg", "aggregate", "apply", "map", "pipe", "transform"})


class CallShape(NamedTuple):
    """The arguments that a call may have: at most so many positional ones, and these keywords."""

    positional: int
    keywords: frozenset[str]
    why: str


# Allowed functions that certain arguments make dangerous. They can be called, but not passed around.
SHAPES: Mapping[str, CallShape] = {
    "functools.wraps": CallShape(1, frozenset({"wrapped"}), "it copies attributes by names made at run time"),
    "functools.update_wrapper": CallShape(
        2, _words("wrapper wrapped"), "it copies attributes by names made at run time"
    ),
    "collections.namedtuple": CallShape(2, _words("typename field_names rename defaults"), "it names another module"),
    "logging.Formatter": CallShape(2, _words("fmt datefmt"), "it follows attributes"),
    "logging.basicConfig": CallShape(0, _words("level format datefmt force"), "it opens a file or follows attributes"),
    "warnings.catch_warnings": CallShape(0, _words("record action category"), "it takes a module"),
}
# Makers of classes or attribute readers from names in their arguments: allowed where the names are visible.
CLASSES_BY_NAMES = frozenset(f"enum.{name}" for name in ("Enum", "Flag", "IntEnum", "IntFlag", "ReprEnum", "StrEnum"))
TYPED_DICT = "typing.TypedDict"
GETTERS = frozenset({"operator.attrgetter", "operator.methodcaller"})
# Settings, of which only some are display options: others import modules by their names.
OPTIONS = frozenset({"pandas.get_option", "pandas.option_context", "pandas.reset_option", "pandas.set_option"})
OPTION = re.compile(r"(?:display\.|mode\.|future\.|max_|min_|precision)[a-z_.]*")
# Parameters of scikit-learn that open files (a cache; texts as names of files) or follow names, wherever they stand.
LEARNERS = "sklearn"
PARAMETERS = frozenset({"importance_getter", "input", "memory", "response_method"})
# They return fields, whose names become code of the next dataclass that inherits them.
FIELDS = frozenset({"dataclasses.fields"})
# They read special names from what they copy, and set attributes by names that are data.
COPIERS = frozenset(
    {"copy.copy", "copy.deepcopy", "copy.replace", "dataclasses.asdict", "dataclasses.astuple", "sklearn.base.clone"},
)
NAMESPACE = "types.SimpleNamespace"
DATACLASS = "dataclasses.dataclass"
# Decorators that return the class that they get.
CLASS_DECORATORS = frozenset({
    "dataclasses.dataclass", "enum.unique", "functools.total_ordering", "typing.final", "typing.runtime_checkable",
})  # fmt: skip
# Decorators that return a method unchanged, and below those that pass it to nothing but its own class.
MARKS = frozenset({
    "abc.abstractmethod", "typing.final", "typing.no_type_check", "typing.overload", "typing.override",
    "warnings.deprecated",
})  # fmt: skip
METHOD_DECORATORS = MARKS | {
    "contextlib.asynccontextmanager", "contextlib.contextmanager", "functools.cache", "functools.lru_cache",
    "functools.singledispatchmethod", "reprlib.recursive_repr",
}  # fmt: skip
# They create classes: allowed as `metaclass=` and as a base, but not as functions to call.
METACLASSES = frozenset({"abc.ABCMeta", "enum.EnumMeta", "enum.EnumType"})
# Makers of classes whose class patterns read exactly the fields of the call.
RECORDS = frozenset({"collections.namedtuple", "typing.NamedTuple"})
# They evaluate annotations that are strings.
GENERIC = frozenset({"functools.singledispatch", "functools.singledispatchmethod"})

# Paths with rules of their own; a name that refers to one of them must refer to nothing else.
JUDGED = (
    SHAPES.keys() | METACLASSES | RECORDS | GENERIC | CLASSES_BY_NAMES | GETTERS | OPTIONS
    | CLASS_DECORATORS | {TYPED_DICT}
)  # fmt: skip

REACHING = frozenset(
    f"__{name}__"
    for name in _words(
        "bases builtins closure code getattribute globals import loader mro reduce reduce_ex spec subclasses "
        "traceback wrapped",
    )
)

# Names that `*` never covers; an explicit entry of the policy does.
DENIED = frozenset(
    {
        "typing.get_type_hints",  # evaluates annotations that are strings
        "typing.ForwardRef",
        "typing.evaluate_forward_ref",
        "enum.global_enum",  # writes into the module that a class says it comes from
        "enum.global_enum_repr",
        "enum.pickle_by_global_name",
        "enum.pickle_by_enum_name",
    },
)
# Modules outside the standard library are not imported to look inside, so `*` refuses names that usually read or write
# files, evaluate strings, or are other modules under a short name.
DENIED_LEAVES = _words(
    "DataSource ctypeslib dump eval f2py fromfile fromregex genfromtxt io load loadtxt memmap np pd pytest query save "
    "savetxt savez savez_compressed sp test tofile to_pickle xp xpx",
)
DENIED_STARTS = ("read_",)
