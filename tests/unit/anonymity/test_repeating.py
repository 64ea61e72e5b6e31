"""Proves how a release is mended beside an earlier one: rows left out, coarser levels, refused; recounted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.model.anonymity import ReleaseParameters
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import Refused
from hedgerow.model.remembered import Earlier
from hedgerow.techniques.anonymity import repeating
from hedgerow.techniques.anonymity.release import release
from hedgerow.techniques.anonymity.repeating import beside_earlier

K, MANY = 3, 240


def rows(seed):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "age": rng.integers(20, 60, MANY),
            "zip": [f"{code:03d}" for code in rng.integers(0, 40, MANY)],
            "ill": [f"d{code}" for code in rng.integers(0, 6, MANY)],
            PERSON: np.arange(MANY),
        }
    )


def asked(quasi, limit="0.1", k=K):
    return ReleaseParameters(quasi, k, ("ill",), suppression_limit=Fraction(limit), person=PERSON)


def make(table, parameters):
    return release(table, parameters, ungoverned=False)


def cells(made, quasi):
    """Tell the cell of each person."""
    table = made.table.select(list(quasi)).to_pylist()
    return {person: tuple(row.values()) for person, row in zip(made.people.to_pylist(), table, strict=True)}


def groups(first, second):
    return Counter((first.get(person), second.get(person)) for person in first.keys() | second.keys())


def pair(table, other, quasi, limit="0.1"):
    """Release some rows, then others beside; gives the groups of both."""
    one = beside_earlier(make, table, asked(("age", "zip")), Earlier())
    earlier = Earlier((replace(one.remember.rows, release="R-1"),))
    two = beside_earlier(make, other, asked(quasi, limit), earlier)
    return one, two, groups(cells(one.made, ("age", "zip")), cells(two.made, quasi))


def pair_or_refused(table, gone, quasi):
    try:
        return pair(table, table.slice(gone), quasi)
    except Refused as error:
        if error.code != "release.repeats":
            raise
        return None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("quasi", [("age", "zip"), ("zip",), ("age",)])
@pytest.mark.parametrize("gone", [0, 3])
def test_no_group_of_two_releases_is_smaller_than_promised(seed, quasi, gone):
    mended = pair_or_refused(rows(seed), gone, quasi)
    if mended is None:
        assert quasi != ("age", "zip"), "the same columns can always be mended here"
        return
    _, two, found = mended
    assert min(found.values()) >= K
    assert two.told["smallest_group"] == min(found.values())
    dropped = two.made.risk.suppressed_rows
    assert dropped == MANY - gone - two.made.table.num_rows
    assert dropped <= Fraction("0.1") * (MANY - gone)


def test_without_mending_groups_are_smaller(monkeypatch):
    monkeypatch.setattr(repeating, "_mended", lambda *given: given[-1])
    smallest = [min(pair(rows(seed), rows(seed).slice(3), ("zip",))[2].values()) for seed in range(4)]
    assert min(smallest) == 1


def test_a_limit_that_leaves_no_room_is_refused_with_counts():
    table = rows(0)
    with pytest.raises(Refused) as caught:
        pair(table, table.slice(1), ("age", "zip"), "0")
    assert caught.value.code == "release.repeats"
    assert "Beside R-1" in caught.value.message


def test_what_concerns_it_not_is_not_judged():
    """Another data set with the same quasi-identifiers and nothing else in common tells nothing of it."""
    table = rows(0)
    one = beside_earlier(make, table, asked(("age", "zip")), Earlier())
    other = replace(one.remember.rows, release="R-1", is_related=False)
    again = table.rename_columns(["age", "zip", "cost", PERSON]).slice(1)
    wanted = replace(asked(("age", "zip")), sensitive=("cost",))
    assert beside_earlier(make, again, wanted, Earlier((other,))).told == {}
    assert beside_earlier(make, table.slice(1), asked(("age", "zip")), Earlier((other,))).told != {}


def test_releases_of_which_nothing_is_remembered_are_named():
    told = beside_earlier(make, rows(0), asked(("age",)), Earlier(unknown=("R-0",))).told
    assert told == {"not_remembered": ["R-0"]}


def test_values_stand_for_themselves_in_every_release():
    """The same value has the same number whatever else is in the column; missing ones have none."""
    table = pa.table({"age": [1, 1, 2, 2], "ill": ["b", None, "a", "b"], PERSON: [0, 1, 2, 3]})
    wanted = ReleaseParameters(("age",), 2, ("ill",), person=PERSON)
    told = [beside_earlier(make, each, wanted, Earlier()).remember.rows for each in (table, table.slice(2))]
    numbers = [dict(zip(each.people.tolist(), each.values["ill"].tolist(), strict=True)) for each in told]
    assert numbers[0][1] == -1
    assert numbers[0][0] == numbers[0][3] == numbers[1][3]
    assert numbers[0][2] == numbers[1][2] != numbers[0][0]
