"""The remedy for a module that a policy does not list, though it is installed on this machine."""

import dataclasses
import re
import sys

from poet_engine import _distributions
from poet_engine.outcome import ErrorInfo, Outcome, Status
from poet_engine.policy import Policy

# The whole message, as the import system writes it. The guest wrote this text: what it names is only compared with the
# names of what is installed, never looked up.
_MISSING = re.compile(r"No module named '(?P<top>\w+)(?:\.[\w.]+)?'", re.ASCII)
_TYPE = "ModuleNotFoundError"


def remedy(module: str, policy_name: str = "") -> str:
    """Return what to do about an installed module that a policy does not list, as the rest of a sentence."""
    policy = f"policy {policy_name!r}" if policy_name else "the policy"
    return (
        f"{module} is installed here, and {policy} does not list it: "
        f'add {module} = ["*"] to [static.imports] of a policy of your own'
    )


def with_remedy(outcome: Outcome, policy: Policy) -> Outcome:
    """Return the outcome with a hint in its error, where a module was missing because the policy does not list it."""
    error = outcome.error
    if outcome.status is not Status.ERROR or error is None or error.type != _TYPE:
        return outcome  # nearly always
    missing = _MISSING.fullmatch(error.message)
    if missing is None or _is_listed(missing["top"], policy) or not _is_installed(missing["top"]):
        return outcome
    hint = remedy(missing["top"], policy.name)
    return dataclasses.replace(outcome, error=ErrorInfo(error.type, error.message, error.traceback, hint))


def _is_listed(module: str, policy: Policy) -> bool:
    return any(path.partition(".")[0] == module for path in policy.static.imports)


def _is_installed(module: str) -> bool:
    return module in sys.stdlib_module_names or module in _distributions.modules()
