"""Keeping keys: what lies under which master key, moving it to a new one, and ending the old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from hedgerow.adapters.keys.moving import MovableKeys
from hedgerow.app.keyplaces import Place, make_beside, movable
from hedgerow.app.service.base import Part
from hedgerow.model.errors import CallerError
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
        described = self.spine.backend.describe()
        return {
            "backend": cast("Json", {**described, "protection": protection(described)}),
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
            ``epoch``, ``moved``, ``destroyed``, ``final`` (new certificates) and ``left`` (the backend
            that held the older keys).
        """
        self._require("keys.change")
        backend = self.spine.backend
        left = (backend.leaving if isinstance(backend, MovableKeys) else None) or backend.name
        return {**self.spine.epochs.move(self.actor, is_ending=is_ending, progress=progress), "left": left}

    def plan_move(self, place: Place) -> dict[str, Json]:
        """Show what moving the keys to another place would do; nothing is done.

        Args:
            place: Where they shall be kept.

        Returns:
            As ``plan_epoch``, and ``from`` and ``to``.

        Raises:
            CallerError: ``keys.move-same``, ``keys.move-unfinished`` or ``keys.change-unfinished``.
        """
        self._require("keys.change")
        self._check_move(place)
        backend = movable(self.spine.backend)
        return {
            **self.plan_epoch(is_ending=True),
            "from": backend.leaving or backend.name,
            "to": place.kind,
            "token": place.token,
        }

    def move_keys(
        self, place: Place, directory: Path, *, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Json]:
        """Move the master keys to another place: wrap everything anew, then destroy the old keys for good.

        Args:
            place: Where they shall be kept.
            directory: Where the workspace lies.
            progress: Told how many records were looked at, and of how many.

        Returns:
            As ``change_epoch``, and ``to``.

        Raises:
            CallerError: As ``plan_move``, and what the place says of a wrong PIN or passphrase.
            Fault: What the place says; the keys are where they were, or the same call goes on.
        """
        self._require("keys.change")
        backend = movable(self.spine.backend)
        if not self._check_move(place):
            backend.turn_to(lambda: make_beside(place, directory, self.spine.tenant))
        try:
            done = self.change_epoch(is_ending=True, progress=progress)
        except BaseException:
            with self.spine.store.read() as reader:
                if self.spine.epochs.unfinished(reader) is None:
                    backend.turn_back()
            raise
        return {**done, "to": place.kind}

    def _check_move(self, place: Place) -> bool:
        """Tell whether a move to a place was begun already; refuse one that cannot be."""
        backend = movable(self.spine.backend)
        with self.spine.store.read() as reader:
            begun = self.spine.epochs.unfinished(reader)
        if backend.leaving is not None:
            if backend.name != place.kind:
                raise CallerError("keys.move-unfinished", to=backend.name)
            return True
        if backend.name == place.kind:
            came = {state.id for state in backend.epochs() if state.assuming is not None}
            if begun is None or not came & set(begun.leaving):
                raise CallerError("keys.move-same")
            return True
        if begun is not None:
            raise CallerError("keys.change-unfinished")
        return False


def protection(backend: Mapping[str, object]) -> str:
    """Say in words what protects the keys.

    Args:
        backend: What the key backend says of itself.
    """
    leaving = backend.get("leaving")
    if isinstance(leaving, Mapping):
        return f"{protection({**backend, 'leaving': None})}; a move from {leaving['backend']} was cut off"
    if backend["backend"] == "pkcs11":
        return f"in the token {backend['token']} ({backend['manufacturer']}); no key can leave it"
    return "sealed by a passphrase" if backend["sealed"] else "not sealed"


def _unfinished(survey: Survey) -> Json:
    if survey.unfinished is None:
        return None
    return {"leaving": list(survey.unfinished.leaving), "destroys": survey.unfinished.is_ending}
