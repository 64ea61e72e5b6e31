"""Foreseeing: what taking a table in would do, counted before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hedgerow.kernel.envelope import normalise_reference
from hedgerow.kernel.envelope.deriving import REFERENCE_LIMIT_BYTES
from hedgerow.model.ports import Reader
from hedgerow.model.records import ConsentEvent, ConsentState, Dataset, Member
from hedgerow.model.words import Basis
from hedgerow.spine.consent import rank

if TYPE_CHECKING:
    from hedgerow.spine.intake import ConsentLine

Rank = tuple[str, bool]
Mask = NDArray[np.bool_]
_PLAIN = r"^[!-~]([ -~]*[!-~])?$"


@dataclass(frozen=True, slots=True)
class People:
    """The people of a source.

    Args:
        places: Each source id, as it is indexed, with its place.
        rows: How many rows each has, shape ``(people,)``.
    """

    places: Mapping[str, int] = field(repr=False)
    rows: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> People:
        """Find the people of a subject column without empty cells.

        Raises:
            CallerError: A ``reference.`` code.
        """
        coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
        refs = coded.dictionary.to_pylist()
        rows = np.bincount(coded.indices.to_numpy(zero_copy_only=False), minlength=len(refs))
        if _are_normal(coded.dictionary):
            return cls({ref: place for place, ref in enumerate(refs)}, rows)
        places: dict[str, int] = {}
        of_ref = [places.setdefault(normalise_reference(ref), len(places)) for ref in refs]
        held = np.zeros(len(places), dtype=np.int64)
        np.add.at(held, np.array(of_ref, dtype=np.int64), rows)
        return cls(places, held)


@dataclass(frozen=True, slots=True)
class Known:
    """Which people of a source are known: their internal numbers (-1 for none), and who was erased."""

    numbers: NDArray[np.int64] = field(repr=False)
    erased: Mask = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices that come with a source.

    Args:
        lines: How many there are for each purpose.
        of_others: How many are of people who are not in the source.
        latest: For each purpose the choice that counts of each person, by place.
    """

    lines: Mapping[str, int]
    of_others: int
    latest: Mapping[str, Mapping[int, Rank]] = field(repr=False)

    @classmethod
    def of(cls, lines: Iterable[ConsentLine], source: People) -> Choices:
        """Lay choices over the people of a source.

        Raises:
            CallerError: A ``reference.`` code.
        """
        counted: Counter[str] = Counter()
        latest: dict[str, dict[int, Rank]] = {}
        others = 0
        for line in lines:
            counted[line.purpose] += 1
            # What is found as it stands is normal already.
            place = source.places.get(line.ref)
            if place is None:
                place = source.places.get(normalise_reference(line.ref))
            if place is None:
                others += 1
                continue
            # Of two choices of one moment the refusal counts.
            made, chosen = (line.time, not line.granted), latest.setdefault(line.purpose, {})
            chosen[place] = max(made, chosen.get(place, made))
        return cls(dict(counted), others, latest)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who of a source could be used for a purpose.

    Args:
        purpose: The purpose.
        basis: Its lawful basis.
        people: People covered.
        rows: Their rows.
        said_yes: People whose choice that came along is a yes.
        said_no: People whose choice that came along is a no.
    """

    purpose: str
    basis: Basis
    people: int
    rows: int
    said_yes: int
    said_no: int


@dataclass(frozen=True, slots=True)
class Held:
    """How a source meets what is held; exact, so for those who may see exact counts.

    Args:
        rows: Rows of the data set now.
        people: People of the data set now.
        present: People of the source who have rows in the data set already.
        new: People of the source who are in no data set.
        erased_people: People of the source who had themselves erased and did not come back.
        erased_rows: Their rows, which are left out.
    """

    rows: int
    people: int
    present: int
    new: int
    erased_people: int
    erased_rows: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What taking a table in would do; numbers only.

    Args:
        rows: Rows that would be added.
        people: People they are about.
        exists: Whether the data set exists.
        taken_before: Whether it holds this very source already.
        coverage: For each purpose who could be used; without ``held`` by the choices that came along alone.
        choices: How many choices came along for each purpose.
        choices_of_others: How many of them are of people who are not in the source.
        held: How the source meets what is held, where that was counted.
    """

    rows: int
    people: int
    exists: bool
    taken_before: bool
    coverage: tuple[Coverage, ...]
    choices: Mapping[str, int]
    choices_of_others: int
    held: Held | None


def coverage(
    reader: Reader, bases: Mapping[str, Basis], source: People, choices: Choices, known: Known | None
) -> tuple[Coverage, ...]:
    """Count for each purpose the people and rows of a source that could be used for it."""
    there = ~known.erased if known is not None else np.ones(len(source.rows), dtype=np.bool_)
    found = []
    for purpose, basis in bases.items():
        latest = choices.latest.get(purpose, {})
        no = sum(refused for _, refused in latest.values())
        counted = there
        if basis is Basis.CONSENT:
            counted = there & _granted(reader, purpose, latest, known, len(source.rows))
        people, rows = int(counted.sum()), int(source.rows[counted].sum())
        found.append(Coverage(purpose, basis, people, rows, len(latest) - no, no))
    return tuple(found)


def held(reader: Reader, dataset: Dataset | None, source: People, known: Known) -> Held:
    """Count how a source meets what is held."""
    present = 0
    if dataset is not None:
        members = reader.numbers(Member, "number", dataset=dataset.name)
        present = int(np.isin(known.numbers, members).sum())
    unknown = (known.numbers < 0) & ~known.erased
    return Held(
        dataset.row_count if dataset else 0,
        dataset.people_count if dataset else 0,
        present,
        int(unknown.sum()),
        int(known.erased.sum()),
        int(source.rows[known.erased].sum()),
    )


def _are_normal(refs: pa.Array) -> bool:
    """Tell whether normalising would change no source id: short plain text without spaces around it."""
    if not len(refs):
        return True
    short = pc.max(pc.binary_length(refs)).as_py() <= REFERENCE_LIMIT_BYTES
    return bool(short and pc.all(pc.match_substring_regex(refs, _PLAIN)).as_py())


def _granted(
    reader: Reader, purpose: str, latest: Mapping[int, Rank], known: Known | None, people: int
) -> Mask:
    """Tell who consents once the choices that come along are recorded."""
    before, after = np.zeros(people, dtype=np.bool_), np.zeros(people, dtype=np.bool_)
    after[[place for place, (_, refused) in latest.items() if not refused]] = True
    if known is None:
        return after
    before |= np.isin(known.numbers, reader.numbers(ConsentState, "number", purpose=purpose, granted=True))
    chose = before | np.isin(
        known.numbers, reader.numbers(ConsentState, "number", purpose=purpose, granted=False)
    )
    chooses = np.zeros(people, dtype=np.bool_)
    chooses[list(latest)] = True
    granted = np.where(chooses, after, before)
    # Of two choices that differ the later one counts.
    for place in np.flatnonzero(chose & chooses & (before != after)).tolist():
        state = reader.get(ConsentState, purpose, int(known.numbers[place]))
        event = reader.get(ConsentEvent, state.version) if state is not None else None
        if event is not None and rank(event) > latest[place]:
            granted[place] = before[place]
    return granted


def distinct_values(numbers: NDArray[np.int64], column: pa.ChunkedArray) -> dict[int, list[str]]:
    """Collect each person's distinct values of a column, as text, empty ones left out."""
    pairs = pa.table({"number": numbers, "value": column.cast(pa.string())})
    unique = pairs.group_by(["number", "value"], use_threads=False).aggregate([])
    held: dict[int, list[str]] = {}
    for number, value in zip(
        unique.column("number").to_pylist(), unique.column("value").to_pylist(), strict=True
    ):
        values = held.setdefault(number, [])
        if value is not None:
            values.append(value)
    return held
