"""Keeping keys: what lies under which master key, moving it to a new one, and ending the old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from hedgerow.app.service.base import Part
from hedgerow.model.uses import Json
from hedgerow.spine.epochs import Survey

_HOLDS = "holds against quantum computers"
ALGORITHMS: tuple[tuple[str, str, str], ...] = (
    ("AES-256-GCM", "seals values, table files and keys", _HOLDS),
    ("HMAC-SHA-256, HKDF-SHA-256", "keyed indexes, pseudonyms, derived keys", _HOLDS),
    ("Argon2id", "turns the passphrase into a key", _HOLDS),
    ("Ed25519", "signs the journal and certificates", "forgeable by one; nothing secret rests on it"),
)
"""Algorithm, what it does here, and its state once there are large quantum computers."""


class Keeping(Part):
    """The operator's care for the master keys."""

    def keys(self) -> dict[str, Json]:
        """Tell what protects the keys, which epochs there are, and what lies under each.

        Returns:
            ``backend``, ``epochs`` (newest first, with age in days and ``records`` by table),
            ``unfinished``, ``erasures_not_final`` and ``algorithms``.
        """
        self._require("keys.status")
        with self.spine.store.read() as reader:
            survey = self.spine.epochs.survey(reader)
        current = self.spine.backend.current_epoch()
        return {
            "backend": cast("Json", self.spine.backend.describe()),
            "epochs": [self._epoch(survey, place, current) for place in reversed(range(len(survey.epochs)))],
            "unfinished": _unfinished(survey),
            "erasures_not_final": list(survey.logical),
            "algorithms": [
                {"algorithm": name, "use": use, "post_quantum": state} for name, use, state in ALGORITHMS
            ],
        }

    def _epoch(self, survey: Survey, place: int, current: str) -> dict[str, Json]:
        epoch = survey.epochs[place]
        state = "current" if epoch.id == current else "destroyed" if epoch.destroyed else "held"
        age = self.spine.clock.now() - datetime.fromisoformat(epoch.created)
        return {
            "epoch": epoch.id,
            "state": state,
            "created": epoch.created,
            "age_days": age.days,
            "destroyed": epoch.destroyed,
            "algorithm": epoch.algorithm,
            "records": dict(survey.records.get(epoch.id, {})),
        }

    def plan_epoch(self, *, is_ending: bool) -> dict[str, Json]:
        """Show what a change of epoch would do; nothing is done.

        Args:
            is_ending: Whether the older keys shall be destroyed at the end.

        Returns:
            ``goes_on`` (a change that was cut off goes on), ``records`` to be moved, ``destroys``
            (epochs) and ``becomes_final`` (certificates of erasures).
        """
        self._require("keys.change")
        with self.spine.store.read() as reader:
            survey = self.spine.epochs.survey(reader)
        begun = survey.unfinished
        held = [epoch.id for epoch in survey.epochs if epoch.destroyed is None]
        ends = is_ending or (begun is not None and begun.is_ending)
        return {
            "goes_on": begun is not None,
            "records": sum(sum(each.values()) for each in survey.records.values()),
            "destroys": list(begun.leaving if begun is not None else held) if ends else [],
            "becomes_final": list(survey.logical) if ends else [],
        }

    def change_epoch(
        self, *, is_ending: bool, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Json]:
        """Wrap everything under a new master key; when asked, destroy the older ones for good.

        Args:
            is_ending: Destroy the older keys, which makes the erasures so far final.
            progress: Told how many records were looked at, and of how many.

        Returns:
            ``epoch``, ``moved``, ``destroyed`` and ``final`` (new certificates).
        """
        self._require("keys.change")
        return self.spine.epochs.move(self.actor, is_ending=is_ending, progress=progress)


def _unfinished(survey: Survey) -> Json:
    if survey.unfinished is None:
        return None
    return {"leaving": list(survey.unfinished.leaving), "destroys": survey.unfinished.is_ending}
