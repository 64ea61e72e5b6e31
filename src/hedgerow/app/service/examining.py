"""Examining: whether the workspace is sound, and what a policy would say of an act."""

from __future__ import annotations

import shlex
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hedgerow.adapters.store.sqlite_shape import differing_tables
from hedgerow.app.builtin import unspoken
from hedgerow.app.places import DATABASE, TABLES
from hedgerow.app.service import remnants
from hedgerow.app.service.base import Part, Progress, quiet
from hedgerow.app.service.copies import none_left, none_of_this_line, none_opens
from hedgerow.app.service.keeping import protection
from hedgerow.app.service.witnessing import told_of
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.ports import Reader
from hedgerow.model.records import SCHEMA_VERSION
from hedgerow.model.uses import Json
from hedgerow.model.words import many
from hedgerow.spine.steady import MOST_BEHIND

_RESTORE = "restore the workspace from a backup"
_ACCEPT = "hedgerow doctor --accept-clock"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What.
        told: What was found, in a line.
        mend: What to do now; empty when nothing is to mend.
    """

    name: str
    told: str
    mend: str = ""

    def as_json(self) -> dict[str, Json]:
        """Render it."""
        return {"check": self.name, "ok": not self.mend, "told": self.told, "next": self.mend}


class Examining(Part):
    """Checks for the operator."""

    def examine(self, directory: Path, progress: Progress = quiet) -> list[dict[str, Json]]:
        """Check keys, permissions, disk, clock, schema, journal, remnants and every page of the table files.

        Args:
            directory: Where the workspace lies.
            progress: Told each step; reading the table files takes long where they are large.

        Returns:
            One ``check``, ``ok``, ``told`` and ``next`` (what to do, empty when nothing) each.
        """
        looks: tuple[Callable[[], Check], ...] = (
            self._sealed,
            lambda: _private(directory),
            lambda: _disk(directory),
            self._clock,
            lambda: _schema(directory),
            self._epochs,
            lambda: self._remnants(directory),
            self._log,
            self._sealing,
            self._policies,
        )
        checks = [look().as_json() for look in looks]
        return [*checks, *self._backups(), *self._outside(), self._files(progress).as_json()]

    def _backups(self) -> list[dict[str, Json]]:
        """Tell where backups were made and none of them, or of this line, can be restored; nothing else."""
        found: list[dict[str, Json]] = []
        # What became of them the journal tells; where it is not sound, its own line says so.
        with suppress(HedgerowError), self.spine.store.read() as reader:
            found += self._lost_backups(reader)
        return found

    def _lost_backups(self, reader: Reader) -> list[dict[str, Json]]:
        mend = "run hedgerow backup --to DIR --recipient KEY"
        if none_left(self.spine, reader):
            told = "no backup can be restored: of none is a key set left"
        elif none_of_this_line(self.spine, reader):
            told = "no backup was made since it was restored"
            # Those of before still open with its keys, until the epoch ends.
            mend = mend if none_opens(self.spine, reader) else ""
        else:
            return []
        return [Check("backups", told, mend).as_json()]

    def _sealed(self) -> Check:
        described = self.spine.backend.describe()
        told, mend = protection(described), ""
        name = "key token" if described["backend"] == "pkcs11" else "key file"
        if not self.spine.backend.sealed:
            told += ": whoever reads keys.json reads everything"
            mend = "set a passphrase: hedgerow keys passphrase"
        elif "leaving" in described:
            mend = "run the same `hedgerow keys move` again: it goes on where it stopped"
        return Check(name, told, mend)

    def _policies(self) -> Check:
        """Name the acts that no policy of this workspace speaks of; that may be meant."""
        with self.spine.store.read() as reader:
            left = unspoken(self.spine.policies.newest(reader).text)
        if not left:
            return Check("policies", "every act of this version is named in them")
        told = f"none lets anybody do {', '.join(left)}; see `hedgerow policy show --built-in`"
        return Check("policies", told)

    def _clock(self) -> Check:
        clock = self.spine.clock
        newest, now = clock.newest, clock.told()
        if trouble := clock.trouble():
            return Check("clock", trouble.message, f"set this machine's clock right; else {_ACCEPT}")
        if newest is None or now >= newest:
            return Check("clock", f"{timestamp(now)}, after the newest journal entry")
        behind = int((newest - now).total_seconds())
        told = f"{behind} s behind the newest journal entry; time stands still until then"
        return Check(
            "clock", told, f"set this machine's clock right; uses stop {MOST_BEHIND.days} day behind"
        )

    def _epochs(self) -> Check:
        with self.spine.store.read() as reader:
            unfinished = self.spine.epochs.unfinished(reader)
            waiting = remnants.not_final(reader, self.spine.clock.now())
        if unfinished is not None:
            verb = "epoch" if unfinished.is_ending else "rotate"
            return Check("key epochs", "a change was cut off", f"run hedgerow keys {verb} --yes: it goes on")
        if waiting.count == 0:
            return Check("key epochs", "every erasure is final")
        told = f"{many(waiting.count, 'erasure is', 'erasures are')} not final yet"
        late = f"the oldest waits for {waiting.days} days: run hedgerow keys epoch" if waiting.is_late else ""
        return Check("key epochs", told, late)

    def _remnants(self, directory: Path) -> Check:
        with self.spine.store.read() as reader:
            named = remnants.named(reader)
            over = remnants.overdue(reader, self.spine.clock.now())
        found = [*remnants.files(directory, directory / TABLES, named, DATABASE)]
        if over:
            found.append(
                (many(over, "quarantine is", "quarantines are") + " past the date", "mend the clock")
            )
        if not found:
            return Check("remnants", "nothing is left of interrupted work")
        return Check("remnants", "; ".join(told for told, _ in found), "; ".join(mend for _, mend in found))

    def _sealing(self) -> Check:
        """Prove that files and backups can be sealed; the key file needs nothing of it."""
        from hedgerow.kernel.hybrid import probe

        try:
            probe()
        except Fault as error:
            return Check("sealing", error.message, error.next_step)
        return Check("sealing", "ML-KEM-768 works as it must")

    def _log(self) -> Check:
        try:
            with self.spine.store.read() as reader:
                size = max(self.spine.journal.verify(reader))
        except HedgerowError as error:
            return Check("journal", error.message, error.next_step)
        return Check("journal", f"{many(size, 'entry fits', 'entries fit')} the signed head")

    def _outside(self) -> list[dict[str, Json]]:
        """Tell what each witness says; nothing where there is none."""
        with self.spine.store.read() as reader:
            found = self.spine.witnesses.look(reader)
        mend = "run hedgerow journal witness list"
        return [
            Check(
                f"witness {seen.witness.name}", told_of(seen), mend if seen.problem is not None else ""
            ).as_json()
            for seen in found
        ]

    def _files(self, progress: Progress) -> Check:
        found = (
            (self.spine.tables.missing(self.spine.store), "missing"),
            (self.spine.tables.damaged(self.spine.store, progress), "damaged"),
        )
        bad = [f"{many(count, 'table file is', 'table files are')} {what}" for count, what in found if count]
        return Check("table files", "; ".join(bad) or "all are there and whole", _RESTORE if bad else "")

    def accept_clock(self) -> dict[str, Json]:
        """Go by this machine's clock from here on, though the journal was written by another.

        Returns:
            ``before`` (the time that was gone by), ``now`` and ``entry``.
        """
        self._require("clock.accept")
        before = self.spine.clock.accept()
        told: dict[str, Json] = {"before": timestamp(before), "now": timestamp(self.spine.clock.now())}
        with self.spine.store.write() as tx:
            entry = self._note(tx, "clock.accept", told)
        return {**told, "entry": entry}

    def plan_clock(self) -> dict[str, Json]:
        """Tell what going by this machine's clock would mean; nothing is done."""
        clock = self.spine.clock
        newest = timestamp(clock.newest) if clock.newest is not None else None
        return {"newest": newest, "now": timestamp(clock.told())}

    def explain_act(self, action: str, dataset: str | None = None) -> dict[str, Json]:
        """Say whether the actor may do an act, without doing it.

        Args:
            action: The action policies speak of.
            dataset: The data set acted on, where it is one.

        Returns:
            ``allowed``, ``reasons``, ``obligations`` and ``plan``, as a decision on a use has them.
        """
        return self.explained(action, self.spine.gate.explain_act(self.actor, action, dataset))

    def explained(self, action: str, error: HedgerowError | None) -> dict[str, Json]:
        """Word an act's decision: permitted, or refused by an error.

        Args:
            action: The action.
            error: What speaks against it, or none.
        """
        reason = (
            {"code": error.code, "text": error.message, "next_step": error.next_step}
            if error
            else {"code": "policy.permitted", "text": f"{action} is permitted", "next_step": ""}
        )
        return {"allowed": error is None, "reasons": [reason], "obligations": [], "plan": {}}


def _private(directory: Path) -> Check:
    open_ = [path.name for path in _all(directory) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if not open_:
        return Check("permissions", "only you can read it")
    more = f" and {len(open_) - 3} more" if len(open_) > 3 else ""  # noqa: PLR2004 - as many as fit a line
    return Check(
        "permissions",
        f"others may reach: {', '.join(open_[:3])}{more}",
        f"chmod -R go-rwx {shlex.quote(str(directory))}",
    )


def _all(directory: Path) -> Iterator[Path]:
    yield directory
    for path in directory.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from path.iterdir()


def _disk(directory: Path) -> Check:
    free, need = remnants.room(directory)
    told = f"{free // 1_000_000} MB free; the next rewrite needs {need // 1_000_000}"
    return Check("disk", told, "free space on the workspace's disk" if free < need else "")


def _schema(directory: Path) -> Check:
    if not (directory / DATABASE).exists():
        return Check("schema", f"version {SCHEMA_VERSION}, as the server was opened with")
    try:
        differ = differing_tables(directory / DATABASE)
    except sqlite3.Error:
        return Check("schema", "the database cannot be read", _RESTORE)
    if differ:
        return Check("schema", f"not as this version made them: {', '.join(differ)}", _RESTORE)
    return Check("schema", f"version {SCHEMA_VERSION}, each table as expected")
