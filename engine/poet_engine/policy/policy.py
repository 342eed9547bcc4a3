"""The policy that everything else takes: its values, and the two ways to get one."""

import dataclasses
from pathlib import Path
from typing import Self

from poet_engine.policy import loading
from poet_engine.policy.model import Effective


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Effective):
    """One resolved policy, frozen; the parts are described where they are defined."""

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """The policy of a preset (`restricted`, `data`, `lab`) or of a `.toml` file.

        Args:
            name_or_path: A text with a slash or the ending `.toml` is a path; any other text names a preset.

        Raises:
            PolicyError: There is no such policy, or it is wrong; the message has file, line and key.
        """
        return loading.load(name_or_path, cls)

    @classmethod
    def parse(cls, toml_text: str, *, source: str = "<string>") -> Self:
        """The policy that a TOML text describes; it extends `restricted` unless it names another.

        Args:
            toml_text: The whole document.
            source: What errors and origins call it; also its name when it gives none.

        Raises:
            PolicyError: The text is not a valid policy; the message has the source, line and key.
        """
        return loading.parse(toml_text, source, cls)
