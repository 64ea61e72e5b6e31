"""Restoring: what a workspace made of a backup must pass, repeat and charge before anybody opens it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import cast

from hedgerow.kernel.merkle import open_checkpoint
from hedgerow.model.budget import ApproximateEvent, NonPrivateEvent, PrivacyEvent, PureEvent, ZcdpEvent
from hedgerow.model.engine import Engine, PeopleFilter
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader, Store, Transaction
from hedgerow.model.records import (
    Account,
    Approval,
    Dataset,
    Forgotten,
    JournalEntry,
    SealedField,
    Setting,
    Subject,
    Tombstone,
    VaultToken,
    Witness,
)
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.approving import EXPIRE, EXPIRED, OPEN
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit import check_records
from hedgerow.spine.backup import ErasureList, Listed
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.cosigning import retire_witness
from hedgerow.spine.departed import RESTORED
from hedgerow.spine.drawn import DrawnTokens
from hedgerow.spine.dropping import Dropping
from hedgerow.spine.entries import entry_of
from hedgerow.spine.erasure import Again, Erasure, is_left
from hedgerow.spine.forgotten import bound, known_erasures, remember_revived
from hedgerow.spine.hearing import Hearing
from hedgerow.spine.journal import Journal
from hedgerow.spine.ledger import UNKNOWN, Ledger, event_json
from hedgerow.spine.outside import OutsideHead, Spent, spent_of, spent_since
from hedgerow.spine.quarantine import Quarantine
from hedgerow.spine.restating import own_chances, restated
from hedgerow.spine.tables import Tables
from hedgerow.spine.vault import Person, Vault

Progress = Callable[[str], None]
_PAGE_ROWS = 2000


class Restoring:
    """Brings a workspace made of a backup to where it may be opened.

    Guarantee: no erasure that the lists tell of is undone, no budget is more than it was, and where that
    is not known none can be spent until an officer states it.

    Args:
        store: The records, as the backup had them.
        vault: Looks people up.
        tables: The table files.
        quarantine: Broken rows.
        erasure: Erases again.
        dropping: Drops again.
        journal: Tells of it.
        ledger: Is charged.
        attestor: Its key signed the backup.
        hearing: Tells what waits in quarantine.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - where the rooms meet; wiring names each once
        self,
        store: Store,
        vault: Vault,
        tables: Tables,
        quarantine: Quarantine,
        erasure: Erasure,
        dropping: Dropping,
        journal: Journal,
        ledger: Ledger,
        attestor: Attestor,
        hearing: Hearing,
    ) -> None:
        self._store = store
        self._vault = vault
        self._tables = tables
        self._quarantine = quarantine
        self._erasure = erasure
        self._dropping = dropping
        self._journal = journal
        self._ledger = ledger
        self._attestor = attestor
        self._hearing = hearing

    def check(self, checkpoint: str) -> int:
        """Check the journal against its head and the manifest's, and the records against the journal.

        Args:
            checkpoint: The head that the manifest tells.

        Returns:
            How many entries there are.

        Raises:
            Fault: ``journal.*``, ``ledger.*``, ``records.differ``, or ``backup.other-head``.
        """
        told = open_checkpoint(checkpoint, self._attestor.verifier)
        with self._store.read() as reader:
            roots = self._journal.verify(reader, (told.size,))
            if roots.get(told.size) != told.root:
                raise Fault("backup.other-head")
            check_records(reader, self._ledger, judges_uses=False)
        return told.size

    def check_after(self) -> None:
        """Check once more, after what was repeated and charged.

        Raises:
            Fault: As ``check``.
        """
        with self._store.read() as reader:
            self._journal.verify(reader)
            check_records(reader, self._ledger, judges_uses=False)

    def is_told(self, lists: Sequence[ErasureList], head: OutsideHead) -> bool:
        """Tell whether the lists tell every erasure that a head kept outside was signed over.

        Args:
            lists: The lists of erasures.
            head: The head; it outweighs any statement, and any list of a workspace that went another way.
        """
        with self._store.read() as reader:
            own = known_erasures(reader)
        return head.erasures in {own, *(known for each in lists for known in each.known_at(head.size))}

    def begin(self, actor: Actor, facts: Mapping[str, Json], *, is_known: bool) -> bool:
        """Tell in the journal what is restored; where spending is not known, close every budget.

        Args:
            actor: Who restores.
            facts: The backup, and what is known of the time after it.
            is_known: Whether the head kept outside tells the spending.

        Returns:
            Whether it cosigned other logs; it does so by new keys from now on.
        """
        with self._store.write() as tx:
            told: dict[str, Json] = {
                **facts,
                "spending": "replayed" if is_known else "unknown",
                # From here on it is a line of its own: the folders of the original's backups are not its own.
                "line": secrets.token_hex(8),
            }
            entry = self._journal.append(tx, RESTORED, actor, told)
            # Where it was not known before the backup, it is not known by a head either.
            if not is_known:
                tx.put(Setting(UNKNOWN, _time_of(tx, entry)))
            for witness in tx.find(Witness):
                # It holds the head of a journal that went on after the backup; this one went another way.
                self._journal.append(tx, "witness.remove", actor, {"witness": witness.name})
                tx.remove(Witness, name=witness.name)
            for approval in tx.find_any(Approval, "state", sorted(OPEN)):
                # It may have been used after the backup, and a grant is for one time.
                closed = self._journal.append(tx, EXPIRE, actor, {"approval": approval.id})
                tx.put(replace(approval, state=EXPIRED, entry=closed))
            return retire_witness(tx, self._journal, actor)

    def repeat(self, listed: Sequence[Listed], actor: Actor, progress: Progress) -> tuple[list[int], int]:
        """Repeat erasures and drops that came after the backup.

        Args:
            listed: Those that came after it.
            actor: Who restores.
            progress: Told each step.

        Returns:
            The internal numbers of the people whom the backup had brought back, and how many data sets
            went.
        """
        if any(each.lookup for each in listed):
            self._empty_quarantine(actor)
        people, datasets = [], 0
        for place, each in enumerate(sorted(listed, key=lambda one: one.entry), 1):
            progress(f"repeating erasure {place} of {len(listed)}")
            if each.dataset:
                datasets += self._dropped(each, actor)
            elif (number := self._erased(each, actor)) is not None:
                people.append(number)
        self._store.scrub()
        return people, datasets

    def came_after(self, reader: Reader, each: Listed) -> bool:
        """Tell whether somebody, or a data set, was collected here after another line erased it."""
        if each.dataset:
            record = reader.get(Dataset, each.dataset)
            return record is not None and record.created > each.time
        held = self._vault.known(reader, [each.lookup]).get(each.lookup)
        subject = reader.get(Subject, held.number) if held is not None else None
        return subject is not None and subject.created > each.time

    def _empty_quarantine(self, actor: Actor) -> None:
        """Destroy every broken row: without a source id nobody can tell whose it is."""
        with self._store.write() as tx:
            held = {batch.id for batch in self._quarantine.batches(tx)}
            for batch in held:
                self._quarantine.discard(tx, batch)
            # Those that were taken away meanwhile, too: put back, they are found then.
            if gone := sorted({*held, *self._hearing.told(tx).standing.batches}):
                facts: dict[str, Json] = {"batches": cast("Json", gone)}
                self._journal.append(tx, "quarantine.expire", actor, facts)

    def _dropped(self, each: Listed, actor: Actor) -> bool:
        with self._store.read() as reader:
            record = reader.get(Dataset, each.dataset)
        if record is None or record.dropped:
            return False
        self._dropping.drop(each.dataset, actor)
        return True

    def _erased(self, each: Listed, actor: Actor) -> int | None:
        with self._store.read() as reader:
            held = self._vault.known(reader, [each.lookup]).get(each.lookup)
        if held is not None:
            person = Person(held.number, held.lookup, b"")
            self._erasure.erase("", actor, again=Again(person, each.certificate))
            return person.number
        with self._store.write() as tx:
            older = tx.get(Tombstone, each.lookup)
            facts: dict[str, Json] = {
                "certificate": each.certificate,
                "until": each.until,
                "line": bound(self._attestor, each.lookup, each.time, each.until, each.certificate),
                "replaces": older.certificate if older is not None else None,
            }
            entry = self._journal.append(tx, "erasure.known", actor, facts)
            # Who was collected again in between: the older erasure stays to be repeated, as it was then.
            remember_revived(tx, each.lookup)
            tx.put(Tombstone(each.lookup, each.time, each.until, each.certificate))
            tx.add([Forgotten(entry, each.lookup, "", each.time, each.until, each.certificate)])
        return None

    def charge(self, outside: OutsideHead, actor: Actor) -> list[dict[str, Json]]:
        """Charge what was spent after the backup, by the totals of the head kept outside.

        Args:
            outside: The head.
            actor: Who restores.

        Returns:
            The charges made: account and what.

        Raises:
            Fault: ``witness.less-spent`` when it tells less than the ledger has.
        """
        made: list[dict[str, Json]] = []
        source = f"head of {outside.size} entries"
        with self._store.write() as tx:
            own = [where for where in spent_since(_totals(tx), outside) if where != POPULATION]
            # The population last: the accounts debit it as well, and it lacks only what is left then.
            for where in (*own, POPULATION):
                more = spent_since(_totals(tx), outside).get(where)
                for event in _events(more) if more is not None else ():
                    lacking = spent_since(_totals(tx), outside).get(POPULATION)
                    # A use of several data sets debited it once: never more is charged than the head tells.
                    shared = where != POPULATION and not _has_room(lacking, event)
                    made.append(self._unseen(tx, where, event, actor, source, shared=shared))
        return made

    def _unseen(
        self,
        tx: Transaction,
        where: tuple[str, str],
        event: PrivacyEvent,
        actor: Actor,
        source: str,
        *,
        shared: bool = False,
    ) -> dict[str, Json]:
        facts: dict[str, Json] = {
            **({"shared": True} if shared else {}),
            "dataset": where[0],
            "purpose": where[1],
            "cost": event_json(event),
            "source": source,
        }
        entry = self._journal.append(tx, "budget.unseen", actor, facts)
        self._ledger.charge_unseen(tx, f"unseen-{entry}", where, event, entry, shared=shared)
        return facts

    def state(
        self,
        tx: Transaction,
        spent: Mapping[tuple[str, str], Fraction],
        actor: Actor,
        facts: Mapping[str, Json],
    ) -> list[dict[str, Json]]:
        """Charge what an officer states was spent, and open the budgets again.

        Args:
            tx: The transaction.
            spent: What each account has spent in all; one that is not named counts as spent to its limit.
            actor: Who states it.
            facts: What the journal keeps of the statement.

        Returns:
            The charges made.

        Raises:
            CallerError: ``budget.spent-less`` when the ledger has more already.
        """
        made = [
            self._unseen(tx, each.where, PureEvent(each.charge), actor, "statement")
            for each in restated(tx, spent)
            if each.charge > 0
        ]
        made += [self._unseen(tx, *each, actor, "statement") for each in own_chances(tx)]
        self._journal.append(tx, "budget.restate", actor, facts)
        tx.put(Setting(UNKNOWN, ""))
        return made

    def unreadable(self, listed: Sequence[Listed], people: Sequence[int], engine: Engine) -> None:
        """Check that nothing is left of the people whose erasure was repeated.

        Args:
            listed: The erasures.
            people: The internal numbers of those whom the backup had brought back.
            engine: Reads the table files.

        Raises:
            Fault: ``restore.still-there``.
        """
        gone = PeopleFilter.of(people)
        with self._store.read() as reader:
            lookups = [each.lookup for each in listed if each.lookup]
            found = bool(reader.find_any(Subject, "lookup", lookups)) or is_left(reader, people)
            for record in reader.find(Dataset):
                files = self._tables.files(reader, record.name)
                found |= bool(files and len(gone) and len(engine.row_counts(files, gone)))
        if found:
            raise Fault("restore.still-there")

    def open_fields(self, progress: Progress) -> int:
        """Open every sealed field, and what every drawn token stands for, with its person's key.

        Returns:
            How many sealed fields there are.

        Raises:
            Fault: ``envelope.unreadable`` when one does not open.
        """
        seen = 0
        with self._store.read() as reader:
            for page in _pages(reader):
                people = {s.number: s for s in reader.find_any(Subject, "number", [f.number for f in page])}
                opened = {p.number: p for p in self._vault.open_many(list(people.values()))}
                for field in page:
                    if field.number not in opened:
                        raise Fault("restore.still-there")
                    self._vault.open_field(opened[field.number], field)
                seen += len(page)
                progress(f"opened {seen:,} sealed fields")
            self._open_tokens(reader)
        return seen

    def _open_tokens(self, reader: Reader) -> None:
        drawn, after = DrawnTokens(self._vault, self._attestor), None
        while page := reader.page(VaultToken, after, _PAGE_ROWS):
            for release in {each.release for each in page}:
                drawn.meanings(reader, release, [each.mark for each in page if each.release == release])
            after = (page[-1].release, page[-1].mark, page[-1].number)


def _pages(reader: Reader) -> Iterator[list[SealedField]]:
    after: tuple[object, ...] | None = None
    while page := reader.page(SealedField, after, _PAGE_ROWS):
        yield page
        after = (page[-1].number, page[-1].dataset, page[-1].name)


def _time_of(reader: Reader, entry: int) -> str:
    record = reader.get(JournalEntry, entry)
    if record is None:
        raise Fault("journal.altered", index=entry)
    return str(entry_of(record)["time"])


def _account(reader: Reader, where: tuple[str, str]) -> Account:
    return reader.get(Account, *where) or Account(*where, "0", "0", "")


def _totals(reader: Reader) -> dict[tuple[str, str], Spent]:
    return {(account.dataset, account.purpose): spent_of(account) for account in reader.find(Account)}


def _has_room(lacking: Spent | None, event: PrivacyEvent) -> bool:
    """Tell whether an account lacks at least an event as ``_events`` makes it."""
    match event:
        case PureEvent(epsilon=epsilon):
            return lacking is not None and epsilon <= lacking.epsilon
        case ZcdpEvent(rho=rho):
            return lacking is not None and rho <= lacking.rho
        case ApproximateEvent(delta=delta):
            return lacking is not None and delta <= lacking.delta
        case NonPrivateEvent(release=release):
            # Also what a data set comes from is told of it, and the population once.
            return lacking is not None and release in lacking.apart


def _events(spent: Spent) -> Iterator[PrivacyEvent]:
    if spent.epsilon:
        yield PureEvent(spent.epsilon)
    if spent.rho:
        yield ZcdpEvent(spent.rho)
    if spent.delta:
        yield ApproximateEvent(PureEvent(Fraction(0)), spent.delta)
    for name in spent.apart:
        yield NonPrivateEvent(name)
