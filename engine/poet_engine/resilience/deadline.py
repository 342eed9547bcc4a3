"""The moment after which nothing more is begun for a call."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float, now: float) -> "Deadline":
        """The moment that lies so many seconds ahead."""
        return cls(now + seconds)

    def left(self, now: float) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self.at - now)

    def passed(self, now: float) -> bool:
        """Whether nothing more may begin."""
        return now >= self.at
