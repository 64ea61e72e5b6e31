"""Who is in which data set since when, what people chose, what columns are: as it was told, and as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from struct import Struct
from typing import cast

from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import ConsentEvent, Dataset, DatasetColumn, FormerMember, Member, VaultToken
from hedgerow.model.uses import ColumnView, Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.paging import rows_of_all

_USE, _CHOICE_USE, _TOKEN_USE = "membership 1", "choice 1", "vault token 1"
_TOKEN = ("release", "mark", "number", "dataset", "sealed")
_CHOICE = ("version", "number", "purpose", "granted", "time", "notice", "channel", "recorded_by")
_GRANTED = _CHOICE.index("granted")
_LANES, _DIGITS = 2, 16
_WRAPS = 1 << 64
_PAIR = Struct(">qq")
_AT_ONCE = 100_000
Sum = tuple[int, int]
Rows = Iterable[tuple[str, int, int]]
NOTHING: Sum = (0, 0)
# What an entry that tells of no drawn token has told.
_NONE = "0" * _DIGITS * _LANES


def membership_sum(attestor: Attestor, rows: Rows) -> str:
    """Add up what only the journal's key makes of memberships, so that an act tells them without a word.

    Args:
        attestor: Holds the key.
        rows: Data set, internal number and the first version the person was in.

    Returns:
        128 bits, hexadecimal; the sums of two acts add up to that of both.
    """
    return _written(_sum_of(attestor, rows))


def choice_sum(attestor: Attestor, choices: Iterable[ConsentEvent]) -> str:
    """Add up what only the journal's key makes of choices, each with all its record says.

    Returns:
        128 bits, hexadecimal; the sums of two acts add up to that of both.
    """
    return _written(_chosen(attestor, map(attrgetter(*_CHOICE), choices)))


def token_sum(attestor: Attestor, rows: Iterable[tuple[object, ...]]) -> str:
    """Add up what only the journal's key makes of the map of drawn tokens.

    Args:
        attestor: Holds the key.
        rows: Release, mark, internal number, data set and sealed value.

    Returns:
        128 bits, hexadecimal; the sums of two acts add up to that of both.
    """
    return _written(_keyed(attestor, _TOKEN_USE, (repr(row).encode() for row in rows)))


def columns_told(subject_column: str, created: str, columns: Iterable[ColumnView | DatasetColumn]) -> str:
    """Hash what a data set is made of: its subject column, its columns in order, and when it was made."""
    shape = [[c.name, c.type, str(c.role), c.category, c.in_vault] for c in columns]
    return digest({"subject": subject_column, "created": created, "columns": cast("Json", shape)})


class Holdings:
    """Follows the journal: memberships and choices as a sum each, drops by version, columns by hash.

    An entry of an older version does not tell them; a journal with such an entry is not compared with the
    memberships or choices, nor with the columns of a data set that it made.
    """

    def __init__(self) -> None:
        self._members: Sum | None = NOTHING
        self._choices: Sum | None = NOTHING
        self._tokens: Sum | None = NOTHING
        self._dropped: dict[str, list[int]] = {}
        self._columns: dict[str, str] = {}

    def heed(self, entry: Mapping[str, Json]) -> None:
        """Hear the next entry."""
        facts = cast("Mapping[str, Json]", entry["facts"])
        match entry["action"]:
            case "collect":
                self._members = added_to(self._members, facts.get("joined"), 1)
                self._choices = added_to(self._choices, facts.get("chosen"), 1)
                if facts.get("shape") is not None:
                    self._columns[str(facts["dataset"])] = str(facts["shape"])
            case "use.done":
                self._tokens = added_to(self._tokens, facts.get("drawn", _NONE), 1)
            case "subject.erase":
                self._tokens = added_to(self._tokens, facts.get("undrawn", _NONE), -1)
                self._members = added_to(self._members, facts.get("left"), -1)
                self._choices = added_to(self._choices, facts.get("unchosen"), -1)
            case "consent.grant" | "consent.withdraw":
                self._choices = added_to(self._choices, facts.get("chosen"), 1)
            case "dataset.drop":
                dataset = str(facts["dataset"])
                self._tokens = added_to(self._tokens, facts.get("undrawn", _NONE), -1)
                # The last version that anybody was in is the one before.
                self._dropped.setdefault(dataset, []).append(cast("int", facts["version"]) - 1)
                self._columns.pop(dataset, None)

    def check(self, reader: Reader, attestor: Attestor | None) -> None:
        """Compare the records with what was told.

        Args:
            reader: A view.
            attestor: Holds the key; without one the sums are not compared.

        Raises:
            Fault: ``records.differ`` with the kind.
        """
        datasets = {dataset.name: dataset for dataset in reader.find(Dataset)}
        for name, told in self._columns.items():
            held = datasets.get(name)
            columns = sorted(reader.find(DatasetColumn, dataset=name), key=lambda column: column.position)
            if held is None or columns_told(held.subject_column, held.created, columns) != told:
                raise Fault("records.differ", kind="columns")
        if attestor is None:
            return
        if self._members is not None and self._held(reader, attestor) != self._members:
            raise Fault("records.differ", kind="memberships")
        if self._choices is not None:
            held_choices = _chosen(attestor, rows_of_all(reader, ConsentEvent, _CHOICE))
            if held_choices != self._choices:
                raise Fault("records.differ", kind="consents")
        kept = (repr(row).encode() for row in rows_of_all(reader, VaultToken, _TOKEN))
        if self._tokens != _keyed(attestor, _TOKEN_USE, kept):
            raise Fault("records.differ", kind="vault tokens")

    def _held(self, reader: Reader, attestor: Attestor) -> Sum:
        now = cast("Rows", rows_of_all(reader, Member, ("dataset", "number", "since_version")))
        return _added(_sum_of(attestor, now), _sum_of(attestor, self._former(reader)))

    def _former(self, reader: Reader) -> Rows:
        names = ("dataset", "number", "since_version", "until_version")
        for row in rows_of_all(reader, FormerMember, names):
            dataset, number, since, until = cast("tuple[str, int, int, int]", row)
            ends = [version for version in self._dropped.get(dataset, []) if version >= since]
            if until != min(ends, default=None):
                raise Fault("records.differ", kind="memberships")
            yield dataset, number, since


def added_to(before: Sum | None, told: Json, sign: int) -> Sum | None:
    """Add what an entry tells; nothing is known any more after one that does not tell it.

    Args:
        before: What the entries before it came to.
        told: As ``membership_sum`` writes it, or none.
        sign: 1 to add, -1 to take away.
    """
    if before is None or told is None:
        return None
    text = str(told)
    return _added(before, (sign * int(text[:_DIGITS], 16), sign * int(text[_DIGITS:], 16)))


def _chosen(attestor: Attestor, rows: Iterable[tuple[object, ...]]) -> Sum:
    # A store may give a truth as a number.
    told = (repr((*row[:_GRANTED], bool(row[_GRANTED]), *row[_GRANTED + 1 :])).encode() for row in rows)
    return _keyed(attestor, _CHOICE_USE, told)


def _keyed(attestor: Attestor, use: str, rows: Iterable[bytes]) -> Sum:
    """Add up a keyed random value for each row."""
    keyed = blake2b(digest_size=_LANES * 8, key=bytes.fromhex(attestor.bind(use, [])))
    total, made = NOTHING, bytearray()
    for row in rows:
        one = keyed.copy()
        one.update(row)
        made += one.digest()
        if len(made) >= _AT_ONCE:
            total, made = _added(total, _lanes(bytes(made))), bytearray()
    return _added(total, _lanes(bytes(made)))


def _sum_of(attestor: Attestor, rows: Rows) -> Sum:
    held: dict[str, list[tuple[int, int]]] = {}
    total, waiting = NOTHING, 0
    for dataset, number, since in rows:
        held.setdefault(dataset, []).append((number, since))
        waiting += 1
        if waiting == _AT_ONCE:
            total, held, waiting = _added(total, _sums(attestor, held)), {}, 0
    return _added(total, _sums(attestor, held))


def _sums(attestor: Attestor, held: Mapping[str, Sequence[tuple[int, int]]]) -> Sum:
    total = NOTHING
    for dataset, pairs in held.items():
        total = _added(total, _sum_in(bytes.fromhex(attestor.bind(_USE, [dataset])), pairs))
    return total


def _sum_in(key: bytes, pairs: Sequence[tuple[int, int]]) -> Sum:
    """Add up a keyed random value for each pair, each pair being there once."""
    keyed, made = blake2b(digest_size=_LANES * 8, key=key), bytearray()
    for pair in pairs:
        one = keyed.copy()
        one.update(_PAIR.pack(*pair))
        made += one.digest()
    return _lanes(bytes(made))


def _lanes(values: bytes) -> Sum:
    """Add up values of 128 bits, each half by itself."""
    import numpy as np

    halves = np.frombuffer(values, dtype=">u8").reshape(-1, _LANES)
    high, low = halves.astype(np.uint64).sum(axis=0, dtype=np.uint64).tolist()
    return int(high), int(low)


def _added(one: Sum, other: Sum) -> Sum:
    return (one[0] + other[0]) % _WRAPS, (one[1] + other[1]) % _WRAPS


def _written(value: Sum) -> str:
    return f"{value[0]:0{_DIGITS}x}{value[1]:0{_DIGITS}x}"
