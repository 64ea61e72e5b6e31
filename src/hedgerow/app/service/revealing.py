"""Revealing: whose a token of a release is, told with four eyes."""

from __future__ import annotations

from collections.abc import Sequence

from hedgerow.app.service.base import Part, need_purpose
from hedgerow.model.uses import Json

NOT_HELD = (
    "nobody held here for this purpose: never a token of this release, or of somebody who was erased or"
    " whom no basis covers; which of these is not told"
)


class RevealingPart(Part):
    """Whose a token is."""

    def reveal_tokens(
        self, release: str, tokens: Sequence[str], *, purpose: str | None, reason: str
    ) -> dict[str, Json]:
        """Tell whose tokens of a release are, once another privacy officer granted exactly this.

        Args:
            release: Id of the release.
            tokens: At most 20 tokens.
            purpose: Why; a purpose that its data set serves.
            reason: Why these; whoever approves reads it.

        Returns:
            ``release``, ``entry`` and ``tokens``: for each its ``column``, ``people`` (source ids of each)
            and ``value`` (none where it stands for the person alone); or ``told``, why nothing is said.

        Raises:
            Refused: By policy, without a basis, or ``approval.pending`` until it was granted.
            CallerError: ``released.unknown``, ``reveal.*``.
        """
        told, entry = self.spine.revealing.reveal(
            release, list(tokens), need_purpose(purpose), reason, self.actor
        )
        found: list[Json] = [
            {
                "token": each.token,
                "column": each.column or None,
                "people": [list(refs) for refs in each.people],
                "value": each.value,
                "told": "" if each.column else NOT_HELD,
            }
            for each in told
        ]
        return {"release": release, "tokens": found, "entry": entry}
