"""Policies: strict TOML in, one frozen `Policy` with the limits and permissions of a call out."""

from poet_engine.policy.model import Fresh, Isolation, Limits, Mode, Network, OnDenied, Static, Wall
from poet_engine.policy.policy import Policy

__all__ = ["Fresh", "Isolation", "Limits", "Mode", "Network", "OnDenied", "Policy", "Static", "Wall"]
