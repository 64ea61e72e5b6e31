"""Keeping keys: what lies under which master key, moving it to a new one, and ending the old."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import cast

from hedgerow.adapters.keys.moving import MovableKeys
from hedgerow.app.keyplaces import Place, make_beside, movable
from hedgerow.app.service.base import Part
from hedgerow.app.service.copies import doomed, ended, held_epochs, told
from hedgerow.kernel.envelope.passphrase import check_passphrase
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.uses import Json
from hedgerow.spine.departed import heard
from hedgerow.spine.epochs import Move, Survey

_HOLDS = "holds against quantum computers"
ALGORITHMS: tuple[tuple[str, str, str], ...] = (
    ("AES-256-GCM", "seals values, table files and keys", _HOLDS),
    ("HMAC-SHA-256, HKDF-SHA-256", "keyed indexes, pseudonyms, derived keys", _HOLDS),
    ("Argon2id", "turns the passphrase into a key", _HOLDS),
    ("ML-KEM-768 with X25519 (HPKE)", "seals files for people, backups and exported keys", _HOLDS),
    ("Ed25519", "signs the journal and certificates", "forgeable by one; nothing secret rests on it"),
)
"""Algorithm, what it does here, and its state once there are large quantum computers."""
_SECOND = {
    True: "signs the heads of the journal that leave, too",
    False: "off; `hedgerow journal key add ml-dsa` adds it",
}

COPIES = (
    "Copies of the key file made before still open with the old passphrase, or with none where it was not "
    "sealed. If there may be one: `hedgerow keys rotate --yes` puts everything under a new master key that "
    "no such copy holds, and `hedgerow keys epoch --yes` destroys the old one here too. Of a copy of the "
    "database of that time it opens everything still."
)


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
            has_second = self.spine.second_key.known(reader) is not None
        algorithms = (*ALGORITHMS, ("ML-DSA-44", _SECOND[has_second], _HOLDS))
        current = self.spine.backend.current_epoch()
        described = self.spine.backend.describe()
        return {
            "backend": cast("Json", {**described, "protection": protection(described)}),
            "epochs": [self._epoch(survey, place, current) for place in reversed(range(len(survey.epochs)))],
            "unfinished": _unfinished(survey),
            "erasures_not_final": list(survey.logical),
            "algorithms": [
                {"algorithm": name, "use": use, "post_quantum": state} for name, use, state in algorithms
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
            (epochs), ``becomes_final`` (certificates of erasures) and ``backups`` (see ``doomed``).
        """
        self._require("keys.change")
        with self.spine.store.read() as reader:
            survey, pending = self.spine.epochs.survey(reader), self.spine.epochs.pending(reader)
        begun = survey.unfinished
        _check_end(begun, is_ending=is_ending)
        held = [epoch.id for epoch in survey.epochs if epoch.destroyed is None]
        ends = is_ending or (begun is not None and begun.is_ending)
        destroys = list(begun.leaving if begun is not None else held) if ends else []
        # A change that goes on leaves what was held when it began; who was erased since may lie under more.
        gone = {*destroys, *(epoch.id for epoch in survey.epochs if epoch.destroyed is not None)}
        final = [body["certificate"] for body in pending if gone >= set(cast("list[str]", body["epochs"]))]
        return {
            "goes_on": begun is not None,
            "records": sum(sum(each.values()) for each in survey.records.values()),
            "destroys": cast("Json", destroys),
            "becomes_final": cast("Json", final if ends else []),
            "backups": self._doomed(destroys),
        }

    def _doomed(self, destroys: Sequence[str]) -> dict[str, Json]:
        with self.spine.store.read() as reader:
            return doomed(self.spine, reader, destroys)

    def change_epoch(
        self, *, is_ending: bool, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Json]:
        """Wrap everything under a new master key; when asked, destroy the older ones for good.

        Args:
            is_ending: Destroy the older keys, which makes the erasures so far final.
            progress: Told how many records were looked at, and of how many.

        Returns:
            ``epoch``, ``moved``, ``destroyed``, ``final`` (new certificates), ``left`` (the backend
            that held the older keys) and ``backups``: the key sets that went along (see ``told``).
        """
        self._require("keys.change")
        with self.spine.store.read() as reader:
            _check_end(self.spine.epochs.unfinished(reader), is_ending=is_ending)
        backend = self.spine.backend
        left = (backend.leaving if isinstance(backend, MovableKeys) else None) or backend.name
        if is_ending:
            self._renew_indexes()
        backups: dict[str, Json] = {}
        done = self.spine.epochs.move(
            self.actor,
            is_ending=is_ending,
            progress=progress,
            destroy_copies=lambda: backups.update(self._destroy_copies()),
        )
        self._spread_erasures()
        return {**done, "left": left, "backups": backups or None}

    def _destroy_copies(self) -> dict[str, Json]:
        """Destroy the key sets of backups that lie under destroyed keys, and the key files of their time."""
        from hedgerow.app.backup.making import destroy_keys

        with self.spine.store.read() as reader:
            found = ended(self.spine, reader, held_epochs(self.spine))
        gone, missed = destroy_keys(self.spine, found)
        if gone:
            with self.spine.store.write() as tx:
                self.spine.backups.note_gone(tx, self.actor, gone, "epoch")
        with self.spine.store.read() as reader:
            return told(self.spine, reader, gone, missed)

    def _renew_indexes(self) -> None:
        """Give each index a new secret whose old one could still test guesses about somebody erased.

        The old secrets then lie under nothing but the epochs that are about to end.
        """
        with self.spine.store.read() as reader:
            pending = self.spine.epochs.pending(reader)
            made = heard(reader, self.spine.journal).indexes if pending else {}
        for dataset, column in self.spine.indexes.overtaken(made, pending):
            # One that may no longer be is gone by then, with its secret.
            with suppress(Refused):
                self.spine.indexes.rotate(dataset, column, self.actor, lambda _, __: None)

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
        if not self._check_move(place) and place.kind == "pkcs11" and place.token is None:
            raise CallerError("keys.token-unnamed")
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

    def change_passphrase(self, new: Callable[[], str | None]) -> dict[str, Json]:
        """Seal the key file under another passphrase, also one that was not sealed; a kill leaves it whole.

        Args:
            new: Gives the new passphrase; asked only where it can be changed.

        Returns:
            ``was_sealed``, ``entry``, ``copies`` (what this does not reach, and what does) and
            ``backup_folders`` (those with a copy of the key file as it was).

        Raises:
            CallerError: ``keys.pin-elsewhere``, ``keys.move-unfinished``, ``keys.new-passphrase-missing``,
                ``keys.passphrase-same``, or what is wrong with the passphrase; nothing is changed.
            Fault: ``keys.file-changed`` or ``keys.file-unwritten``; the old passphrase still holds.
        """
        self._require("keys.change")
        backend = movable(self.spine.backend)
        backend.check_sealable()
        passphrase = new()
        if passphrase is None:
            raise CallerError("keys.new-passphrase-missing")
        check_passphrase(passphrase)
        was_sealed = backend.sealed
        with self.spine.store.write() as tx:
            self._note(tx, "keys.passphrase.begin", {"was_sealed": was_sealed})
        # Between the two entries: whoever reads the journal sees that it may have been changed.
        backend.seal_anew(passphrase)
        with self.spine.store.write() as tx:
            entry = self._note(tx, "keys.passphrase", {"was_sealed": was_sealed})
        folders = self._folders_with_copies()
        copies = COPIES
        if folders:
            copies += (
                f"\nBackups hold such a copy, keyfile.sealed in: {', '.join(folders)}. The next backup into "
                "each folder replaces it: `hedgerow backup make --to DIR --keys-to DIR`."
            )
        return {
            "was_sealed": was_sealed,
            "entry": entry,
            "copies": copies,
            "backup_folders": cast("Json", folders),
        }

    def _folders_with_copies(self) -> list[str]:
        """Name the folders with a key set, as far as the key file lies beside it."""
        with self.spine.store.read() as reader:
            outstanding = self.spine.backups.outstanding(reader)
        return sorted({each.keys_place for each in outstanding if each.backend == "file"})

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


def _check_end(begun: Move | None, *, is_ending: bool) -> None:
    """Refuse to destroy keys, as an end of an epoch that was cut off would, where none shall be destroyed.

    Raises:
        CallerError: ``keys.epoch-unfinished``.
    """
    if begun is not None and begun.is_ending and not is_ending:
        raise CallerError("keys.epoch-unfinished")


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
