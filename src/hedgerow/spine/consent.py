"""Consent: an append-only ledger of grants and withdrawals, and who is covered for a purpose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import ConsentEvent, ConsentState, Member, Setting
from hedgerow.model.words import Basis

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COUNTER = "consent.version"


@dataclass(frozen=True, slots=True)
class Choice:
    """One person's choice for one purpose.

    Args:
        number: The person's internal number.
        purpose: The purpose.
        granted: Grant or withdrawal.
        time: When the person chose (RFC 3339, UTC).
        notice: Version of the notice the person saw.
        channel: Where the choice was made.
    """

    number: int
    purpose: str
    granted: bool
    time: str
    notice: str
    channel: str


def rank(choice: Choice | ConsentEvent) -> tuple[str, bool]:
    """Order choices by time; of two of one moment the refusal counts."""
    return choice.time, not choice.granted


def by_time(events: Iterable[ConsentEvent]) -> list[tuple[ConsentEvent, bool]]:
    """Order one person's choices by the time they were made, each with whether it is the one that counts."""
    ordered = sorted(events, key=lambda event: (rank(event), event.version))
    counting = {event.purpose: event.version for event in ordered}
    return [(event, counting[event.purpose] == event.version) for event in ordered]


def chosen_at(text: str, now: datetime, *, granted: bool) -> datetime:
    """Read when a person chose: ISO 8601, UTC when it names no zone.

    A day without an hour is its beginning for a grant; for a withdrawal it is the day's end, or now
    while the day lasts: of one day the refusal counts.

    Args:
        text: The time as it was written.
        now: The time it is.
        granted: Grant or withdrawal.

    Returns:
        The moment; it may lie in the future.

    Raises:
        ValueError: When it is no time.
    """
    written = text.strip()
    try:
        day = date.fromisoformat(written)
    except ValueError:
        moment = datetime.fromisoformat(written)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if granted or begins > now:
        return begins
    return min(begins + timedelta(days=1, milliseconds=-1), now)


def last_choice(events: Iterable[ConsentEvent]) -> ConsentEvent:
    """Find the choice that counts among one person's for one purpose."""
    return max(events, key=lambda event: (rank(event), event.version))


class Consents:
    """Records choices and answers, as one vector, who may be used for a purpose.

    Guarantee: a withdrawal holds from the commit that records it; a person without a basis is
    in no lease opened after it.
    """

    def __init__(self) -> None:
        self._cache: dict[tuple[str, str, str], tuple[tuple[int, int], NDArray[np.int64]]] = {}

    def version(self, reader: Reader) -> int:
        """Count the events so far, those of erased people included."""
        counter = reader.get(Setting, _COUNTER)
        return int(counter.value) if counter else 0

    def record(self, tx: Transaction, choices: Iterable[Choice], recorded_by: str) -> list[ConsentEvent]:
        """Append choices and update the latest state.

        The state follows the time of the choice: an older choice recorded late does not
        undo a newer one. A choice that was recorded before is not recorded twice.

        Returns:
            What was recorded.
        """
        version = self.version(tx)
        ordered = self._new_only(tx, sorted(choices, key=rank))
        latest: dict[tuple[str, int], ConsentState] = {}
        events = []
        for choice in ordered:
            version += 1
            events.append(
                ConsentEvent(
                    version, choice.number, choice.purpose, choice.granted, choice.time, choice.notice,
                    choice.channel, recorded_by,
                )
            )  # fmt: skip
            latest[choice.purpose, choice.number] = ConsentState(
                choice.purpose, choice.number, choice.granted, version
            )
        known = self._known_ranks(tx, latest)
        tx.add(events)
        tx.put(Setting(_COUNTER, str(version)))
        by_version = {event.version: event for event in events}
        for key, state in latest.items():
            if key not in known or known[key] <= rank(by_version[state.version]):
                tx.put(state)
        return events

    def _new_only(self, tx: Transaction, choices: list[Choice]) -> list[Choice]:
        numbers = sorted({choice.number for choice in choices})
        known = {
            Choice(e.number, e.purpose, e.granted, e.time, e.notice, e.channel)
            for e in tx.find_any(ConsentEvent, "number", numbers)
        }
        return [choice for choice in dict.fromkeys(choices) if choice not in known]

    def _known_ranks(
        self, tx: Transaction, latest: dict[tuple[str, int], ConsentState]
    ) -> dict[tuple[str, int], tuple[str, bool]]:
        numbers = sorted({number for _, number in latest})
        states = [s for s in tx.find_any(ConsentState, "number", numbers) if (s.purpose, s.number) in latest]
        events = tx.find_any(ConsentEvent, "version", [s.version for s in states])
        ranks = {event.version: rank(event) for event in events}
        return {(s.purpose, s.number): ranks[s.version] for s in states}

    def covered(
        self, reader: Reader, dataset: str, dataset_version: int, purpose: str, basis: Basis
    ) -> NDArray[np.int64]:
        """List the people of a data set who may be used for a purpose.

        Args:
            reader: A view.
            dataset: The data set.
            dataset_version: Its current version, part of the cache key.
            purpose: The purpose.
            basis: The lawful basis of the data set for it.

        Returns:
            Sorted internal numbers, shape ``(people,)``.
        """
        key = (dataset, purpose, basis.value)
        versions = (dataset_version, self.version(reader) if basis is Basis.CONSENT else 0)
        cached = self._cache.get(key)
        if cached is not None and cached[0] == versions:
            return cached[1]
        people: NDArray[np.int64] = reader.numbers(Member, "number", dataset=dataset)
        if basis is Basis.CONSENT:
            granted = reader.numbers(ConsentState, "number", purpose=purpose, granted=True)
            people = _both(people, granted)
        people.flags.writeable = False
        self._cache[key] = (versions, people)
        return people

    def covered_in_all(
        self, reader: Reader, sources: Sequence[tuple[str, int, Basis]], purpose: str
    ) -> dict[str, NDArray[np.int64]]:
        """List for each data set of a use whose rows there may be used with those of the others.

        Args:
            reader: A view.
            sources: Name, version and lawful basis of each data set, the first one first.
            purpose: The purpose.

        Returns:
            Sorted internal numbers by data set. In the first it is everybody covered there, but for who is in
            another one without being covered there; in the others, those of the first who are covered there.

        Guarantee: no row of a person is used, in any of the data sets, who is in one of them and is not
            covered in it.
        """
        covered = {name: self.covered(reader, name, version, purpose, basis)
                   for name, version, basis in sources}  # fmt: skip
        (first, *_), others = sources[0], sources[1:]
        people = covered[first]
        for name, _, _ in others:
            left_out = _without(reader.numbers(Member, "number", dataset=name), covered[name])
            people = _without(people, left_out)
        return {name: people if name == first else _both(covered[name], people) for name in covered}

    def covers(self, reader: Reader, dataset: str, number: int, purpose: str, basis: Basis) -> bool:
        """Tell of one person what ``covered`` tells of all, without looking at the others."""
        if reader.get(Member, dataset, number) is None:
            return False
        state = reader.get(ConsentState, purpose, number)
        return basis is not Basis.CONSENT or (state is not None and state.granted)


def _both(people: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep of one sorted array what is in another, both without twins."""
    import numpy as np

    if not len(others):
        return others
    places = np.searchsorted(others, people)
    places[places == len(others)] = 0
    kept: NDArray[np.int64] = people[others[places] == people]
    return kept


def _without(people: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep of one sorted array what is not in another, both without twins."""
    if not len(people) or not len(others):
        return people
    kept = _both(people, others)
    import numpy as np

    mask = np.ones(len(people), dtype=np.bool_)
    mask[np.searchsorted(people, kept)] = False
    left: NDArray[np.int64] = people[mask]
    return left
