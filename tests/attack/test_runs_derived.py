"""A run spends nothing of what its data set did not come from when it was opened.

It is paid for once, by the accounts of then. Rows of another data set that are collected into it later,
and said to be, would be told of at every step without a charge to theirs.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import partial

import pytest

import hedgerow as hr
from hedgerow.app.declaring import Asked
from hedgerow.spine import lease as leases
from hedgerow.spine import runs

KEPT = {"keep": ["age"], "subject_key": "ref", "purposes": {"research": "public-task"}}


def rows(shift=0):
    return [{"ref": f"p{n}", "age": 20 + n + shift} for n in range(12)]


@pytest.fixture
def space(tmp_path):
    with hr.create(tmp_path / "space") as made:
        made.service.add_purpose("research", "to look", "owner", date(2099, 1, 1))
        made.service.add_principal("ana", ["analyst"])
        made.service.allocate(None, None, Fraction(9))
        for name in ("visits", "copy"):
            made.collect(rows(), dataset=name, **KEPT)
            made.service.declare(name, Asked(max_rows=2))
            made.service.allocate(name, "research", Fraction(2))
        yield made


def spent(space, name):
    return next(one["spent"] for one in space.service.budgets(name) if one["dataset"] == name)


def opened(space, kind):
    acting = space.acting_as("ana", purpose="research")
    if kind == "running":
        run = acting.open_running("long", "copy", steps=8, epsilon="0.5")
        return run, run.advance
    run = acting.open_watch("long", "copy", above="3", positives=9, epsilon="0.5")
    return run, lambda: run.ask("SELECT COUNT(*) FROM copy")


@pytest.mark.parametrize("kind", ["running", "watch"])
def test_no_step_is_taken_once_rows_of_another_data_set_came_in(space, kind):
    run, step = opened(space, kind)
    step()
    space.collect(rows(1), dataset="copy", derived_from=["visits"], **KEPT)
    with pytest.raises(hr.HedgerowError) as refused:
        step()
    assert refused.value.code == "run.other-sources"
    assert "visits" not in str(refused.value) + refused.value.next_step
    assert spent(space, "visits") == "0"
    assert len(run.show()["told"]) == 1
    space.service.verify()


def test_nor_where_what_it_comes_from_took_in_others(space):
    space.collect(rows(1), dataset="copy", derived_from=["visits"], **KEPT)
    _, step = opened(space, "running")
    step()
    space.collect(rows(2), dataset="bills", **KEPT)
    space.collect(rows(3), dataset="visits", derived_from=["bills"], **KEPT)
    with pytest.raises(hr.HedgerowError) as refused:
        step()
    assert refused.value.code == "run.other-sources"


def test_more_of_what_it_was_charged_to_ends_nothing(space):
    space.collect(rows(1), dataset="copy", derived_from=["visits"], **KEPT)
    _, step = opened(space, "running")
    step()
    space.collect(rows(2), dataset="copy", derived_from=["visits"], **KEPT)
    step()
    assert spent(space, "visits") == spent(space, "copy") == "0.5"


def test_would_tell_of_them_for_nothing_otherwise(space, monkeypatch):
    monkeypatch.setattr(runs, "is_tied_since", lambda *_: False)
    _, step = opened(space, "running")
    step()
    space.collect(rows(1), dataset="copy", derived_from=["visits"], **KEPT)
    step()
    assert spent(space, "visits") == "0"
    with pytest.raises(hr.HedgerowError) as found:
        space.service.verify()
    assert found.value.code == "records.rule-broken"


@pytest.mark.parametrize("kind", ["running", "watch", "query"])
def test_rows_that_come_in_between_charge_and_lease_are_not_told_of(space, monkeypatch, kind):
    """A second program collects at the moment between the two."""
    opening = leases.Leases.open

    def late(self, facts, plan):
        monkeypatch.setattr(leases.Leases, "open", opening)
        space.collect(rows(1), dataset="copy", derived_from=["visits"], **KEPT)
        return opening(self, facts, plan)

    if kind == "query":
        act = partial(
            space.acting_as("ana", purpose="research").query,
            "copy", "SELECT COUNT(*) FROM copy", epsilon="0.5",
        )  # fmt: skip
    else:
        _, act = opened(space, kind)
    monkeypatch.setattr(leases.Leases, "open", late)
    with pytest.raises(hr.HedgerowError) as refused:
        act()
    assert refused.value.code in ("run.moved", "request.withdrawn")
    assert (spent(space, "copy"), spent(space, "visits")) == ("0.5", "0")
    space.service.verify()
