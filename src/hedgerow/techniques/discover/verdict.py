"""What the rules see and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hedgerow.model.words import ColumnRole
    from hedgerow.techniques.discover.column_names import NameHint
    from hedgerow.techniques.discover.profile import Profile


@dataclass(frozen=True, slots=True)
class Sight:
    """A column as the rules see it: its name, its facts, and the shares of each shape."""

    hint: NameHint
    profile: Profile
    shares: Mapping[str, float]
    common_names: float

    def share(self, *shapes: str) -> float:
        """Give the largest share among some shapes."""
        return max((self.shares.get(shape, 0.0) for shape in shapes), default=0.0)

    def is_kind(self, *kinds: str) -> bool:
        """Tell whether the column is of one of some kinds."""
        return self.profile.kind in kinds


@dataclass(frozen=True, slots=True)
class Verdict:
    """A category, its role, how sure, and why."""

    category: str
    role: ColumnRole
    confidence: float
    reasons: tuple[str, ...]
