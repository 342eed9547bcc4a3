"""The decorator itself. Importing it loads nothing that only calls need."""

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, Self, TypeVar, cast, overload

from poet_engine._units import seconds
from poet_engine.decorator.deferred import DeferredHandle
from poet_engine.decorator.options import OBJECTIVE_ALONE, RETRIES, RETRY_ON, Options
from poet_engine.decorator.wiring import require
from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from poet_engine.decorator.handle import PoetHandle
    from poet_engine.policy import Policy

_Params = ParamSpec("_Params")
_Rest = ParamSpec("_Rest")  # the parameters behind `self`
_Object = TypeVar("_Object")
_Result_co = TypeVar("_Result_co", covariant=True)
_Result = TypeVar("_Result")


class PoetFunction(Protocol[_Params, _Result_co]):
    """A decorated function: called as before, with the original and the handle beside it."""

    __name__: str

    @property
    def original(self) -> Callable[_Params, _Result_co]:
        """The user's own function."""
        ...

    @property
    def poet(self) -> "PoetHandle[_Params]":
        """Its versions, and calls that tell everything."""
        ...

    def __call__(self, *args: _Params.args, **kwargs: _Params.kwargs) -> _Result_co:
        """Answer the call: by the version, or by the original."""
        ...

    @overload
    def __get__(self, instance: None, owner: type[object], /) -> Self: ...

    @overload
    def __get__(
        self: "PoetFunction[Concatenate[_Object, _Rest], _Result_co]",
        instance: _Object,
        owner: type[object] | None = None,
        /,
    ) -> Callable[_Rest, _Result_co]: ...


@overload
def poet(function: Callable[_Params, _Result], /) -> PoetFunction[_Params, _Result]: ...


@overload
def poet(
    *,
    domain: str | None = None,
    optimize_for: str | None = None,
    policy: "Policy | str | Path | None" = None,
    timeout: str | float | None = None,
    retries: int | None = RETRIES,
    idempotent: bool | None = None,
    retry_on: type[Exception] | Sequence[type[Exception]] = RETRY_ON,
    record: bool | None = None,
) -> Callable[[Callable[_Params, _Result]], PoetFunction[_Params, _Result]]: ...


def poet(
    function: Callable[_Params, _Result] | None = None,
    /,
    *,
    domain: str | None = None,
    optimize_for: str | None = None,
    policy: "Policy | str | Path | None" = None,
    timeout: str | float | None = None,
    retries: int | None = RETRIES,
    idempotent: bool | None = None,
    retry_on: type[Exception] | Sequence[type[Exception]] = RETRY_ON,
    record: bool | None = None,
) -> PoetFunction[_Params, _Result] | Callable[[Callable[_Params, _Result]], PoetFunction[_Params, _Result]]:
    """Put a generated version in front of a function. Nothing is generated before the first call.

    Args:
        function: The function, when used without parentheses.
        domain: What kind of function it is, such as `ml_monitoring`. Without one the function's own body answers.
        optimize_for: What matters most, kept with the version. Without a domain it means the domain `base`.
        policy: A policy, a preset's name or a file; by default the one that the domain needs.
        timeout: How long all attempts of a call may take together, such as `"500ms"` or seconds; 5 s by default.
        retries: How many attempts may follow the first one; None for as many as there is time for.
        idempotent: Whether the body may run more than once for a call. If not, there is one attempt, and the original
            answers for a failed version only where the version certainly did not begin. By default it is tried again
            only where it is seen to do nothing but read (docs/resilience.md).
        retry_on: The exceptions that may go away by themselves, raised by the original or, by name, by a version.
        record: Whether each call of a version is kept in the journal with its arguments, in clear, for `poet replay`;
            None for what `POET_RECORD` says, which is no by default.

    Raises:
        UsageError: An option has a type or a value that it cannot have, or what is decorated is no function.
    """
    # Callers without a type checker reach these; the annotations say that they cannot be.
    if not isinstance(policy, str | Path | None) and not _is_policy(policy):
        raise UsageError(f"@poet(policy=…) is a policy, a preset's name or a file, not a {type(policy).__name__}")
    if not isinstance(optimize_for, str | None):
        raise UsageError(f"@poet(optimize_for=…) is a text such as 'accuracy', not a {type(optimize_for).__name__}")
    options = Options(
        domain=domain,
        optimize_for=optimize_for,
        policy=policy,
        timeout=None if timeout is None else _duration(timeout),
        retries=_retries(retries),
        idempotent=_idempotent(idempotent),
        retry_on=_exceptions(retry_on),
        record=_record(record),
    )
    if function is None:
        return functools.partial(_decorate, options=options)
    return _decorate(function, options=options)


def _is_policy(given: object) -> bool:
    from poet_engine.policy import Policy  # noqa: PLC0415 - whoever has one has loaded it

    return isinstance(given, Policy)


def _duration(timeout: str | float) -> float:
    try:
        value = seconds(timeout)
    except ValueError as error:
        raise UsageError(f"@poet(timeout=…): {error}") from None
    if not value:
        raise UsageError("@poet(timeout=…): no call can end in 0 seconds; leave it out for the policy's limit")
    return value


def _retries(retries: object) -> int | None:
    if retries is None or (isinstance(retries, int) and not isinstance(retries, bool) and retries >= 0):
        return retries
    raise UsageError(f"@poet(retries=…) is how many attempts follow the first one: 0, 1, 2 … or None, not {retries!r}")


def _idempotent(idempotent: object) -> bool | None:
    if isinstance(idempotent, bool | None):
        return idempotent
    raise UsageError(f"@poet(idempotent=…) is True, False or None, not {idempotent!r}")


def _record(record: object) -> bool | None:
    if isinstance(record, bool | None):
        return record
    raise UsageError(f"@poet(record=…) is True, False or None, not {record!r}")


def _exceptions(retry_on: object) -> tuple[type[Exception], ...]:
    given = tuple(retry_on) if isinstance(retry_on, Sequence) else (retry_on,)
    found = tuple(one for one in given if isinstance(one, type) and issubclass(one, Exception))
    if len(found) == len(given):
        return found
    raise UsageError(f"@poet(retry_on=…) is exception classes such as (ConnectionError,), not {retry_on!r}")


def _warn_of_idle_options(name: str, options: Options) -> None:
    """Warn that a generator's body runs while its caller iterates, when the call is over: nothing tries it again."""
    given = [
        *(["retries"] if options.retries not in {RETRIES, 0} else []),
        *(["retry_on"] if options.retry_on != RETRY_ON else []),
        *(["idempotent"] if options.idempotent is not None else []),
        *(["timeout"] if options.timeout is not None else []),
    ]
    if given:
        import logging  # noqa: PLC0415 - as above

        logging.getLogger("poet_engine").warning(
            "%s is a generator, so %s do nothing: its body runs while its caller iterates, which no call waits for; "
            "leave them out, or return a list, which is tried again",
            name,
            ", ".join(f"{option}=" for option in given),
        )


def _decorate(function: Callable[_Params, _Result], *, options: Options) -> PoetFunction[_Params, _Result]:
    if isinstance(function, staticmethod | classmethod):
        raise UsageError(f"put @{type(function).__name__} above @poet: @poet goes on the function itself")
    if isinstance(function, type):
        raise UsageError(f"@poet goes on a function, not on the class {function.__name__}; put it on a function")
    if not callable(function):
        raise UsageError(f"@poet goes on a function, not on a {type(function).__name__}; name options by keyword")
    require()  # nothing could answer its calls if this fails, so say it here
    if options.optimize_for is not None and options.domain is None:
        name = getattr(function, "__qualname__", type(function).__qualname__)
        import logging  # noqa: PLC0415 - a program that only decorates does not load it

        logging.getLogger("poet_engine").warning("%s: name a domain with @poet(domain=…); %s", name, OBJECTIVE_ALONE)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        _warn_of_idle_options(function.__qualname__, options)
    deferred = DeferredHandle(function, options)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def answer_async(*args: _Params.args, **kwargs: _Params.kwargs) -> object:
            handle = await deferred.from_a_task()
            return (await handle.acall(*args, **kwargs)).value

        wrapper: Callable[_Params, object] = answer_async
    else:

        @functools.wraps(function)
        def answer(*args: _Params.args, **kwargs: _Params.kwargs) -> object:
            return deferred.handle.call(*args, **kwargs).value

        wrapper = answer
    vars(wrapper).update(original=function, poet=deferred)
    return cast("PoetFunction[_Params, _Result]", wrapper)
