"""Backing up: making backups, destroying key sets in time, and stating what a restore cannot know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hedgerow.app.service.base import Part, Progress, quiet
from hedgerow.app.service.copies import ended, held_epochs, is_ended, of_another_line
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import Approval, Backup, Dataset, Setting
from hedgerow.model.uses import Json
from hedgerow.spine.approvals import Asked
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.ledger import UNKNOWN
from hedgerow.spine.restating import UNNAMED, Restated, account_name, check_accounts, restated

if TYPE_CHECKING:
    from hedgerow.kernel.hybrid import Recipient

MOST_DAYS = 366


class Backing(Part):
    """The operator's care against loss."""

    def backup(
        self,
        directory: Path,
        place: Path,
        keys_place: Path | None = None,
        *,
        recipients: Sequence[str] = (),
        keep_days: int = 30,
        adopts: bool = False,
        progress: Progress = quiet,
    ) -> dict[str, Json]:
        """Make a backup beside running programs.

        Args:
            directory: Where the workspace lies.
            place: The folder of the data set.
            keys_place: The folder of the key set; ``keys`` in the other when none.
            recipients: Texts of those who can open it; those of the last time when none.
            keep_days: How long the key set is kept, in days.
            adopts: Whether folders of the workspace that this one was restored from become this one's.
            progress: Told each step.

        Returns:
            ``backup``, ``made``, ``keys_until``, ``entries``, ``place``, ``keys_place``, ``files_new``,
            ``files_kept``, ``bytes``, ``recipients`` (fingerprints), ``pruned``, ``erasures_not_told``
            (folders out of reach) and ``ends_with_change``: whether a change of the master key has begun
            that, if it destroys the older one, takes this key set along.

        Raises:
            CallerError: ``backup.*`` or ``sealed.recipient-malformed``.
            Fault: ``backup.*``; there is no backup then.
        """
        from hedgerow.app.backup.making import Destination, make
        from hedgerow.kernel.hybrid import probe, read_recipient

        self._require("space.backup")
        if not 1 <= keep_days <= MOST_DAYS:
            raise CallerError("backup.keep-days", most=MOST_DAYS)
        probe()
        named = [read_recipient(text) for text in recipients] or self._remembered()
        if not named:
            raise CallerError("backup.no-recipient")
        kept = timedelta(days=keep_days)
        to = Destination(place, keys_place or place / "keys", named, kept, adopts=adopts)
        done = make(self.spine, directory, self.actor, to, progress)
        with self.spine.store.read() as reader:
            is_changing = self.spine.epochs.unfinished(reader) is not None
        return {
            **done,
            "ends_with_change": is_changing,
            "pruned": self.prune()["destroyed"],
            "erasures_not_told": cast("Json", self._spread_erasures()),
        }

    def _remembered(self) -> list[Recipient]:
        """Read who could open the last backup; that the journal names them is checked."""
        from hedgerow.app.backup.making import RECIPIENTS
        from hedgerow.kernel.hybrid import read_recipient

        with self.spine.store.read() as reader:
            setting = reader.get(Setting, RECIPIENTS)
            if setting is None:
                return []
            told = self.spine.backups.sealed_for(reader)
        try:
            named = [read_recipient(text) for text in json.loads(setting.value)]
        except (ValueError, TypeError, AttributeError, CallerError):
            named = []
        # Whoever can write the records could have put a key of his own there.
        if [each.fingerprint for each in named] != told:
            raise Fault("backup.recipients-differ", told=", ".join(told) or "nobody")
        return named

    def backups(self) -> list[dict[str, Json]]:
        """List the backups that were begun, and whether their parts are there.

        Returns:
            ``backup``, ``made``, ``keys_until``, ``place``, ``keys_place``, and ``data`` and ``keys``:
            ``there``, ``missing``, ``out of reach`` or ``another line's``; ``keys`` also ``destroyed``, or
            ``ended`` where a master key of its time was destroyed and the key set could not be. Only what has
            both ``there`` can be restored.
        """
        from hedgerow.app.backup.folder import Folder, manifest_name, part_name
        from hedgerow.app.backup.making import owner_of

        self._require("space.backup")
        owner = owner_of(self.spine)
        with self.spine.store.read() as reader:
            found = reader.find(Backup)
        held = held_epochs(self.spine)
        return [
            {
                "backup": each.id,
                "made": each.made,
                "keys_until": each.keys_until,
                "keys": "destroyed"
                if each.keys_gone
                else "ended"
                if is_ended(each, held)
                else _state(Folder(Path(each.keys_place), owner), part_name(each.id, "keys")),
                "data": _state(Folder(Path(each.place), owner), manifest_name(each.id)),
                "place": each.place,
                "keys_place": each.keys_place,
            }
            for each in sorted(found, key=lambda one: one.made)
        ]

    def tend_backups(self) -> None:
        """Destroy key sets whose time is over, and tell erasures where that failed; done at every opening."""
        with self.spine.store.read() as reader:
            backups = self.spine.backups
            is_due = backups.is_due(reader, self.spine.clock.now().date())
            untold = backups.untold(reader)
        # Records that are not what the journal tells stop nobody from opening: the audit names them.
        with suppress(Fault):
            if is_due:
                self._pruned()
            if untold:
                self._spread_erasures()

    def prune(self, *, everything: bool = False) -> dict[str, Json]:
        """Destroy the key sets whose last day is over, or whose epoch ended while they were out of reach.

        Args:
            everything: Destroy all of them.

        Returns:
            ``destroyed``, ``out_of_reach`` and ``of_another_line``, by name.
        """
        self._require("space.backup")
        return self._pruned(everything=everything)

    def _pruned(self, *, everything: bool = False) -> dict[str, Json]:
        from hedgerow.app.backup.making import destroy_keys

        with self.spine.store.read() as reader:
            today = self.spine.clock.now().date()
            backups = self.spine.backups
            over = backups.expired(reader, today)
            due = {"asked" if everything else "over": backups.outstanding(reader) if everything else over}
            if not everything:
                # Their folder was out of reach when the epoch ended.
                left = ended(self.spine, reader, held_epochs(self.spine))
                due["epoch"] = [each for each in left if each not in over]
        destroyed, away = list[str](), list[Backup]()
        for why, found in due.items():
            gone, missed = destroy_keys(self.spine, found)
            if gone:
                with self.spine.store.write() as tx:
                    backups.note_gone(tx, self.actor, gone, why)
            destroyed += [each.id for each in gone]
            away += missed
        others = of_another_line(self.spine, [each.keys_place for each in away])
        return {
            "destroyed": cast("Json", destroyed),
            "out_of_reach": [each.id for each in away if each.keys_place not in others],
            "of_another_line": [each.id for each in away if each.keys_place in others],
        }

    def tell_erasures(self, out: Path | None = None, *, force: bool = False) -> dict[str, Json]:
        """Write the list of erasures into every folder with backups, and where it is asked for.

        Args:
            out: A file of its own.
            force: Replace that file.

        Returns:
            ``erasures`` (how many it tells) and ``not_told`` (folders out of reach).
        """
        from hedgerow.app.outputs import check_out, write_out

        self._require("space.backup")
        if out is not None:
            check_out(out, force=force)
        with self.spine.store.read() as reader:
            content = self.spine.backups.erasures(reader)
        if out is not None:
            write_out(out, content, force=force)
        many = len(json.loads(content)["erased"])
        return {"erasures": many, "not_told": cast("Json", self._spread_erasures())}

    def restate(self, spent: Mapping[tuple[str, str], Fraction]) -> dict[str, Json]:
        """State what was spent before a restore that could not know; a second officer must have approved.

        Args:
            spent: What each account has spent in all; one that is not named counts as spent to its limit.

        Returns:
            ``charged``: what was debited; ``accounts``: as ``plan_restate`` gives them.

        Raises:
            Refused: By policy, or ``approval.*`` until a second officer granted it.
            CallerError: ``budget.known``, ``budget.no-account`` or ``budget.spent-less``.
        """
        self._require("budget.restate")
        shown = self._shown_budgets()
        with self.spine.store.write() as tx:
            since, rows = self._restated(tx, spent, shown)
            exact: dict[str, Json] = {
                "spent": {
                    ":".join(where): f"{e.numerator}/{e.denominator}" for where, e in sorted(spent.items())
                },
                "since": since,
            }
            # A grant holds for what was shown: another limit since makes it another act.
            results: Json = {account_name(each.where): str(each.result) for each in rows}
            summary: dict[str, Json] = {
                "since": since,
                "accounts": [each.as_json() for each in rows],
                "meaning": UNNAMED,
            }
            asked = Asked("budget.restate", self.actor, {**exact, "results": results}, summary)
            outcome = self.spine.approvals.needed(tx, asked)
            if isinstance(outcome, Approval):
                facts: dict[str, Json] = {**exact, "approval": outcome.id}
                charged = self.spine.restoring.state(tx, spent, self.actor, facts)
                accounts = seen_accounts(rows, shown)
                return {"charged": cast("Json", charged), "approval": outcome.id, "accounts": accounts}
        raise outcome

    def plan_restate(self, spent: Mapping[tuple[str, str], Fraction]) -> dict[str, Json]:
        """Show what ``restate`` would bring each account to; nothing is asked for or charged.

        Returns:
            ``since``, ``accounts`` (``account``, ``in_ledger``, ``stated`` or none, ``resulting``) and
            ``meaning``, which says what becomes of those not named.
        """
        self._require("budget.restate")
        shown = self._shown_budgets()
        with self.spine.store.read() as reader:
            since, rows = self._restated(reader, spent, shown)
        return {"since": since, "accounts": seen_accounts(rows, shown), "meaning": UNNAMED}

    def _restated(
        self, reader: Reader, spent: Mapping[tuple[str, str], Fraction], shown: Sequence[str]
    ) -> tuple[str, list[Restated]]:
        unknown = reader.get(Setting, UNKNOWN)
        if unknown is None or not unknown.value:
            raise CallerError("budget.known")
        check_accounts(reader, list(spent), shown)
        return unknown.value, restated(reader, spent)

    def _shown_budgets(self) -> list[str]:
        """List the data sets whose budgets the actor may see."""
        with self.spine.store.read() as reader:
            names = [each.name for each in reader.find(Dataset)]
        return [name for name in names if self._permits("budget.show", name)]


def seen_accounts(rows: Sequence[Restated], shown: Sequence[str]) -> list[Json]:
    """Render the accounts of the data sets that somebody may see, and the population."""
    return [each.as_json() for each in rows if each.where == POPULATION or each.where[0] in shown]


def read_spent(texts: Sequence[str]) -> dict[tuple[str, str], Fraction]:
    """Read ``DATASET:PURPOSE=E`` and ``population=E``.

    Raises:
        CallerError: ``budget.spent-malformed``, or what is no exact number.
    """
    from hedgerow.model.budget import parse_exact

    found: dict[tuple[str, str], Fraction] = {}
    for text in texts:
        account, equals, amount = text.partition("=")
        dataset, colon, purpose = account.partition(":")
        where = POPULATION if account == "population" else (dataset, purpose)
        if not equals or where in found or (where != POPULATION and not (colon and dataset and purpose)):
            raise CallerError("budget.spent-malformed")
        found[where] = Fraction(0) if amount == "0" else parse_exact(amount, "--spent")
    return found


def _state(folder: object, name: str) -> str:
    from hedgerow.app.backup.folder import Folder

    place = cast("Folder", folder)
    if not place.is_ours:
        return "another line's" if place.is_of_another_line else "out of reach"
    return "there" if (place.path / name).is_file() else "missing"
