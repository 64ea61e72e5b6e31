"""The linkage attack of the demo: a public list of names laid beside what the clinics let out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from hedgerow.app.demo.town import Town, attacker_view
from hedgerow.kernel.attacks.fitting import Fitting, fitting
from hedgerow.kernel.attacks.sides import column
from hedgerow.techniques.audit.columns import hierarchies_of, side

KNOWN = ("age", "zip", "sex")
# Shown in place of a person's own name; the first that nobody in the town bears.
_ASSUMED = ("Robin Ashdown", "Avery Marlowe", "Quinn Holloway", "Sasha Winterbourne")


@dataclass(frozen=True, slots=True)
class Linked:
    """What somebody with a list of names finds in a table.

    Args:
        listed: People on the list.
        found: Those whom exactly one row fits.
        right: Those of them whose row it is; none where rows bear no pseudonym to tell by.
        fewest: Rows in the smallest set of candidates that is not empty; 0 when all are.
        assumed: A name that nobody in the town bears, for telling of one who was found.
        rows: The visits that the list gives away of that one.
    """

    listed: int
    found: int
    right: int | None
    fewest: int
    assumed: str
    rows: int


def pseudonymised(town: Town, clinics: tuple[str, ...]) -> pa.Table:
    """Replace the names in the clinics' visits by pseudonyms, and leave all else as it was collected.

    Args:
        town: The town.
        clinics: Its tables of visits.

    Returns:
        ``pseudonym, age, zip, sex, diagnosis``, a row for each visit; pseudonyms tell nothing by themselves.
    """
    names = ["patient_ref", *KNOWN, "diagnosis"]
    visits = pa.concat_tables([town.tables[name].select(names) for name in clinics])
    people = visits["patient_ref"].combine_chunks().dictionary_encode()
    drawn = np.random.default_rng(town.seed).permutation(len(people.dictionary))
    pseudonyms = [f"P-{drawn[place]:05}" for place in people.indices.to_pylist()]
    return visits.drop_columns(["patient_ref"]).add_column(0, "pseudonym", pa.array(pseudonyms))


def link_pseudonyms(town: Town, clinics: tuple[str, ...]) -> Linked:
    """Lay the list of names beside the visits under pseudonyms.

    Args:
        town: The town, which knows whose rows these are.
        clinics: Its tables of visits.

    Returns:
        What is found by age, postal code and sex alone, each pseudonym being one candidate.
    """
    club, table = attacker_view(town), pseudonymised(town, clinics)
    people = table.group_by(["pseudonym", *KNOWN]).aggregate([([], "count_all")])
    names = pa.concat_tables([town.tables[name].select(["full_name", *KNOWN]) for name in clinics])
    cells = (names[each].to_pylist() for each in names.column_names)
    owners = set(zip(*cells, strict=True))
    fits = _fits(club, people, {})
    found = np.flatnonzero(fits.candidates() == 1)
    listed = club.select(["full_name", *KNOWN]).to_pylist()
    right = [place for place in found.tolist() if tuple(listed[place].values()) in owners]
    shown = _row_of(fits, right[0]) if right else None
    return Linked(
        listed=len(club),
        found=len(found),
        right=len(right),
        fewest=int(min((count for count in fits.candidates().tolist() if count), default=0)),
        assumed=_assumed({name for name, *_ in owners} | {each["full_name"] for each in listed}),
        rows=0 if shown is None else int(people["count_all"][shown].as_py()),
    )


def link_release(town: Town, released: pa.Table, hierarchies: dict[str, list[list[str]]]) -> Linked:
    """Lay the list of names beside a generalised table.

    Args:
        town: The town.
        released: The released rows.
        hierarchies: How it was generalised: the attacker may know.

    Returns:
        What is found.
    """
    club = attacker_view(town)
    counts = _fits(club, released, hierarchies).candidates()
    found = int((counts == 1).sum())
    fewest = int(min((count for count in counts.tolist() if count), default=0))
    return Linked(len(club), found, None, fewest, "", 0)


def _fits(club: pa.Table, table: pa.Table, hierarchies: dict[str, list[list[str]]]) -> Fitting:
    ladders = hierarchies_of(hierarchies, KNOWN)
    return fitting([column(side(name, club), side(name, table), ladders.get(name)) for name in KNOWN])


def _row_of(fits: Fitting, person: int) -> int:
    """The row that fits somebody whom one row fits."""
    kinds, classes = fits.pairs
    (fitting_class,) = classes[kinds == fits.kind[person]].tolist()
    return int(np.flatnonzero(fits.row_class == fitting_class)[0])


def _assumed(names: set[str]) -> str:
    return next(name for name in _ASSUMED if name not in names)
