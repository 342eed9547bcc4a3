"""The policy that a command runs under."""

from poet_engine import _wiring
from poet_engine._env import Settings
from poet_engine.policy import Policy


def resolve_policy(name: str | None) -> Policy:
    """Return the policy of that name with the layers around it; by default the one that holds here.

    Raises:
        PolicyError: One of them cannot be used.
        UsageError: A variable of the environment has a value that it may not have.
    """
    return _wiring.resolve(name, Settings.read()).policy(Policy)
