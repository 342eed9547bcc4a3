"""The public policy type: its values, and the ways to get one."""

import dataclasses
from pathlib import Path
from typing import Self

from poet_engine.policy import loading, values
from poet_engine.policy.model import Effective, Level


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Effective):
    """A resolved policy, frozen; its parts are described in `model`."""

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """Return the policy of a preset (`restricted`, `data`, `api`, `baseline`, `lab`) or of a `.toml` file.

        The layers around a call (docs/policies.md) are not read.

        Args:
            name_or_path: A text with a slash or the ending `.toml` is a path; any other text names a preset.

        Raises:
            PolicyError: There is no such policy, or it is wrong; the message has file, line and key.
        """
        return loading.load(name_or_path, cls)

    @classmethod
    def parse(cls, toml_text: str, *, source: str = "<string>") -> Self:
        """Return the policy that a TOML text describes; it extends `restricted` unless it names another.

        Args:
            toml_text: The whole document.
            source: Its name in errors and origins, and the policy's if the text has none.

        Raises:
            PolicyError: The text is not a valid policy; the message has the source, line and key.
        """
        return loading.parse(toml_text, source, cls)

    def meet(self, other: Effective) -> Self:
        """Return the loosest policy that is no looser than either: smaller limits, common permissions, all demands.

        Raises:
            PolicyError: There is none, as they name different container runtimes.
        """
        return values.meet(self, other, type(self))

    def within(self, other: Effective) -> bool:
        """Whether it is no looser than `other` in any value."""
        return not values.looser(self, other)

    def at(self, level: Level) -> Self:
        """Return this policy with the gate's requirements and the limits of one of its `levels`."""
        return dataclasses.replace(
            self, name=level.name, digest=level.digest, static=level.static, limits=level.limits, levels=(), waivers=()
        )
