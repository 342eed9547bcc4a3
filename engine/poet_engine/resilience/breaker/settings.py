"""When a breaker opens, for how long, and what closes it again."""

import dataclasses
import math
from typing import Literal

from poet_engine.errors import UsageError

_LARGEST_WINDOW = 86_400  # calls, or the seconds of a day: one bucket of memory each
_MOST_CALLS = 1_000_000
_LARGEST_MULTIPLIER = 100.0
_MOST_GROWTH = 64  # 100.0 ** 64 is still a float, and far beyond any maximum
_LONGEST = 365 * 86_400.0  # seconds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """Names and meaning are resilience4j's; durations are seconds, rates percent. docs/resilience.md has the reasons.

    Attributes:
        sliding_window_type: Whether the window holds the last calls or the calls of the last seconds.
        sliding_window_size: How many calls or seconds.
        minimum_number_of_calls: Fewer recorded calls give no rate; at most the window's size where it counts calls.
        failure_rate_threshold: A rate of this or more opens; above 0, at most 100.
        slow_call_rate_threshold: The same, of slow calls.
        slow_call_duration_threshold: A call that takes longer is slow.
        permitted_number_of_calls_in_half_open_state: So many calls try whether it works again.
        wait_duration_in_open_state: How long it is open the first time.
        exponential_backoff_multiplier: How much longer each further time; 1 for no growth.
        exponential_max_wait_duration_in_open_state: Never longer than this.
        randomized_wait_factor: How much of the open time is left to chance, 0 to 1: 0.5 means half to one and a half.
        max_wait_duration_in_half_open_state: Half-open without a verdict for so long opens again; 0 waits for ever.
        automatic_transition_from_open_to_half_open_enabled: Whether looking at it is enough to become half-open after
            the open time; otherwise the next call is what does it.

    Raises:
        UsageError: A value is out of its range.
    """

    sliding_window_type: Literal["count_based", "time_based"] = "count_based"
    sliding_window_size: int = 100
    minimum_number_of_calls: int = 10
    failure_rate_threshold: float = 50.0
    slow_call_rate_threshold: float = 100.0
    slow_call_duration_threshold: float = 60.0
    permitted_number_of_calls_in_half_open_state: int = 5
    wait_duration_in_open_state: float = 60.0
    exponential_backoff_multiplier: float = 2.0
    exponential_max_wait_duration_in_open_state: float = 3600.0
    randomized_wait_factor: float = 0.5
    max_wait_duration_in_half_open_state: float = 0.0
    automatic_transition_from_open_to_half_open_enabled: bool = False

    def __post_init__(self) -> None:
        if self.sliding_window_type not in {"count_based", "time_based"}:
            raise UsageError(f"sliding_window_type is count_based or time_based, not {self.sliding_window_type!r}")
        self._check("sliding_window_size", 1, _LARGEST_WINDOW)
        self._check("minimum_number_of_calls", 1, _MOST_CALLS)
        self._check("permitted_number_of_calls_in_half_open_state", 1, _MOST_CALLS)
        self._check("failure_rate_threshold", math.ulp(0.0), 100.0)
        self._check("slow_call_rate_threshold", math.ulp(0.0), 100.0)
        self._check("slow_call_duration_threshold", 0.0, _LONGEST)
        self._check("wait_duration_in_open_state", math.ulp(0.0), _LONGEST)
        self._check("exponential_backoff_multiplier", 1.0, _LARGEST_MULTIPLIER)
        self._check("exponential_max_wait_duration_in_open_state", self.wait_duration_in_open_state, _LONGEST)
        self._check("randomized_wait_factor", 0.0, 1.0)
        self._check("max_wait_duration_in_half_open_state", 0.0, _LONGEST)

    def open_time(self, attempts: int, chance: float) -> float:
        """How long it stays open, in seconds.

        Args:
            attempts: How often it has opened since it was last closed, this time included.
            chance: 0 to 1, where in the range of the randomized wait.

        Returns:
            A point between `(1 - f) * w` and `min((1 + f) * w, maximum)` with `w = min(wait * multiplier **
            (attempts - 1), maximum)`: the cap does not gather at one moment what chance has spread.
        """
        growth = self.exponential_backoff_multiplier ** min(attempts - 1, _MOST_GROWTH)
        longest = self.exponential_max_wait_duration_in_open_state
        wait = min(self.wait_duration_in_open_state * growth, longest)
        low = wait * (1.0 - self.randomized_wait_factor)
        high = min(wait * (1.0 + self.randomized_wait_factor), longest)
        return low + (high - low) * chance

    def _check(self, name: str, least: float, most: float) -> None:
        value: float = getattr(self, name)
        if not least <= value <= most:  # nan is in no range
            low = "more than 0" if least == math.ulp(0.0) else f"at least {least:g}"
            raise UsageError(f"{name} is {value!r}, and must be {low} and at most {most:g}")
