"""A release beside those of the same people that left before: fit, repaired by leaving rows out, refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.repeated import MISSING, Held, Ints, Verdict, judge
from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.remembered import Earlier, Remembered, ToRemember
from hedgerow.model.uses import Json

Make = Callable[[pa.Table, ReleaseParameters], KAnonymousTable[pa.Table]]
_ROUNDS = 12
# How much of the rows that may be dropped the release itself may drop; what is left over is for mending.
_PARTS = (Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 8), Fraction(0))
_LEAST_VALUES = 2
# Numbers that stand for values have 48 bits; two values that share one count as one, which refuses more.
_HASH_BYTES = 6
_NO_MORE = frozenset({"anonymity.unreachable", "anonymity.empty-table", "anonymity.k-above-rows"})


@dataclass(frozen=True, slots=True)
class Beside:
    """A release that may leave beside the earlier ones.

    Args:
        made: The table, its risk counted over all rows that were there.
        remember: What is to be remembered of it.
        told: What the officer is told of all releases together; empty where no other concerns it.
        rows: The rows it was made of, those left out for other releases not among them.
    """

    made: KAnonymousTable[pa.Table]
    remember: ToRemember
    told: dict[str, Json]
    rows: pa.Table


def beside_earlier(make: Make, rows: pa.Table, asked: ReleaseParameters, earlier: Earlier) -> Beside:
    """Make a release that leaves nobody worse hidden than promised, all releases taken together.

    Where it would, rows are left out and it is made again, within the limit of rows that may be dropped;
    where that is not enough, it is made coarser, by letting it drop fewer rows of its own.

    Args:
        make: Makes a release of some rows.
        rows: All rows, with whose each is.
        asked: Columns, k and limits.
        earlier: What left before.

    Returns:
        The release.

    Raises:
        Refused: ``release.repeats`` where nothing of this helps; and what ``make`` raises.
        CallerError: What ``make`` raises.

    Guarantee: as ``hedgerow.kernel.anonymity.repeated`` says, of every release that is remembered.
    """
    concerning = [each for each in earlier.releases if each.concerns(asked.released, asked.quasi)]
    made = make(rows, asked)
    found = _Found(made, remembered_of(made, asked), np.empty(0, dtype=np.int64), None)
    if concerning:
        found = _mended(make, rows, asked, concerning, found)
    stays = ~np.isin(_numbers(rows[PERSON]), found.gone)
    left_out = int((~stays).sum())
    return Beside(
        _counting(found.made, rows.num_rows, left_out),
        ToRemember(found.held, earlier.stamp),
        _told(concerning, earlier.unknown, found.verdict, left_out),
        rows.filter(pa.array(stays)) if left_out else rows,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    made: KAnonymousTable[pa.Table]
    held: Remembered
    gone: Ints
    verdict: Verdict | None


def _mended(
    make: Make, rows: pa.Table, asked: ReleaseParameters, concerning: Sequence[Remembered], found: _Found
) -> _Found:
    """Judge a release; leave rows out and make it coarser until it is fit."""
    others = [_held(each) for each in concerning]
    first = judge(others, _held(found.held))
    if first.is_fit:
        return replace(found, verdict=first)
    for part in _PARTS:
        gone, unfit = first.leave_out if part == 1 else np.empty(0, dtype=np.int64), rows.num_rows
        for _ in range(_ROUNDS):
            tried = _of_fewer(make, rows, asked, part, gone)
            if tried is None:
                break
            verdict = judge(others, _held(tried.held))
            if verdict.is_fit:
                return replace(tried, verdict=verdict)
            more = np.union1d(gone, verdict.leave_out)
            if len(more) == len(gone) or verdict.unfit >= unfit:
                break
            gone, unfit = more, verdict.unfit
    raise _refused(concerning, first)


def _of_fewer(
    make: Make, rows: pa.Table, asked: ReleaseParameters, part: Fraction, gone: Ints
) -> _Found | None:
    """Make it of fewer rows; those left out count as dropped. None where it cannot be made."""
    stays = ~np.isin(_numbers(rows[PERSON]), gone)
    limit, out = asked.suppression_limit * rows.num_rows, int((~stays).sum())
    left = min(int(limit) - out, int(limit * part))
    if left < 0 or not stays.any():
        return None
    fewer = rows.filter(pa.array(stays))
    try:
        made = make(fewer, replace(asked, suppression_limit=Fraction(left, fewer.num_rows)))
    except (Refused, CallerError) as error:
        if error.code not in _NO_MORE:
            raise
        return None
    return _Found(made, remembered_of(made, asked), gone, None)


def _counting(made: KAnonymousTable[pa.Table], rows: int, left_out: int) -> KAnonymousTable[pa.Table]:
    risk = replace(made.risk, rows=rows, suppressed_rows=made.risk.suppressed_rows + left_out)
    return replace(made, risk=risk)


def _refused(concerning: Sequence[Remembered], verdict: Verdict) -> Refused:
    names = [each.release for each in concerning]
    return Refused(
        "release.repeats", releases=", ".join(names), last=names[-1], unfit=verdict.unfit,
        unfit_groups=verdict.unfit_groups,
    )  # fmt: skip


def _told(
    concerning: Sequence[Remembered], unknown: Sequence[str], verdict: Verdict | None, left_out: int
) -> dict[str, Json]:
    told: dict[str, Json] = {"not_remembered": list(unknown)} if unknown else {}
    if verdict is not None:
        told |= {
            "releases": [each.release for each in concerning],
            "groups": verdict.groups,
            "smallest_group": verdict.smallest,
            "fewest_values_of_a_group": verdict.fewest,
            "people_with_other_values_around": verdict.changed,
            "rows_left_out_for_it": left_out,
        }
    return told


def _held(rows: Remembered) -> Held:
    counted = np.array(rows.counted, dtype=np.int64)
    return Held(rows.people, rows.classes, rows.values, rows.k, rows.l, counted)


def remembered_of(made: KAnonymousTable[pa.Table], asked: ReleaseParameters) -> Remembered:
    """Tell who is in which class of a release, with which values.

    Args:
        made: The release, with whose each row is.
        asked: Its columns, k and l.
    """
    people = _numbers(made.people)
    classes = _classes(made.table, asked.quasi)
    pairs = np.unique(np.stack([classes, people]), axis=1)
    further = (*asked.sensitive, *asked.keep)
    return Remembered(
        asked.released,
        asked.quasi,
        asked.k,
        asked.l or _LEAST_VALUES,
        tuple(np.bincount(pairs[0]).tolist()),
        people,
        classes,
        {name: _valued(made.table[name]) for name in further},
    )


def _numbers(column: object) -> Ints:
    numbers: Ints = column.to_numpy().astype(np.int64)  # type: ignore[attr-defined]
    return numbers


def _classes(table: pa.Table, quasi: Sequence[str]) -> Ints:
    codes = [
        pc.fill_null(_encoded(table[name]).indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        for name in quasi
    ]
    classes: Ints = np.unique(np.stack(codes), axis=1, return_inverse=True)[1].reshape(-1)
    return classes


def _valued(column: pa.ChunkedArray) -> Ints:
    encoded = _encoded(column)
    numbers = np.array(
        [*(_number(value) for value in encoded.dictionary.to_pylist()), MISSING], dtype=np.int64
    )
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    valued: Ints = numbers[places]
    return valued


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.combine_chunks().dictionary_encode()


def _number(value: object) -> int:
    """Give a number that stands for a value in every release, whatever its order there."""
    return int.from_bytes(blake2b(str(value).encode(), digest_size=_HASH_BYTES).digest(), "big")
