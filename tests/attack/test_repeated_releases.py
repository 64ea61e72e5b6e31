"""Proves that what releases of the same people tell together is no more than each promised.

The attacker holds every file and knows who is in which. Without the check the attacks here win, which a test
of each sees; with it the release is refused, or rows stay away until nothing is to be won.
"""

from __future__ import annotations

import csv
from collections import Counter

import pytest
from tests.attack.review_world import code_of, collect, empty, grants, people
from tests.program import Program

from hedgerow.app.service.releasing import ReleaseRequest
from hedgerow.app.space import open_space
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import ReleasedPerson, ReleaseShape
from hedgerow.model.words import Basis
from hedgerow.techniques.anonymity import repeating

K = 5
QUASI = ["age", "zip"]
WANTED = {"dataset": "visits", "quasi": QUASI, "k": K, "sensitive": ["diag"], "suppression_limit": "0.2"}
BASES = {"research": Basis.CONSENT, "marketing": Basis.CONSENT}


@pytest.fixture
def space(tmp_path):
    """Make a workspace: sixty people say yes to research, and all but one to marketing."""
    made = empty(tmp_path)
    rows = people(60)
    for row in rows:
        row["age"] = 20 + 10 * (int(row["pid"][1:]) % 2)
        row["zip"] = "10000"
    yes = grants(rows) + grants(rows[1:], "marketing").partition("\n")[2]
    collect(made, tmp_path, rows, bases=BASES, consents=yes)
    with made:
        yield made


def asked(**more):
    return ReleaseRequest(**{**WANTED, **more})


def release(space, folder, name, purpose="research", who="po", **more):
    out = folder / f"{name}.csv"
    made = space.acting_as(who).service.release(asked(**more), purpose=purpose, out=out, force=False)
    return made, out


def rows_of(path):
    """Count the rows of a file: cell and value."""
    with path.open(newline="") as stream:
        return Counter((tuple(row[name] for name in QUASI), row["diag"]) for row in csv.DictReader(stream))


def told_apart(first, second):
    """Find groups of who is in one file and not in the other: fewer than K, of a class that is in both."""
    found = []
    for one, other in ((rows_of(first), rows_of(second)), (rows_of(second), rows_of(first))):
        away, cells = Counter(), {cell for cell, _ in other}
        for (cell, _), times in (one - other).items():
            away[cell] += times
        found += [many for cell, many in away.items() if cell in cells and many < K]
    return found


def unchecked(monkeypatch):
    """Take the check away."""
    monkeypatch.setattr(repeating, "_mended", lambda *given: given[-1])


def withdraw(space, *refs):
    for ref in refs:
        space.service.choose(ref, "research", granted=False, notice="", channel="")


@pytest.mark.parametrize("is_checked", [False, True])
def test_who_left_is_not_told_by_two_releases(space, tmp_path, monkeypatch, is_checked):
    if not is_checked:
        unchecked(monkeypatch)
    _, first = release(space, tmp_path, "first")
    withdraw(space, "p0007")
    made, second = release(space, tmp_path, "second")
    assert bool(told_apart(first, second)) is not is_checked
    if is_checked:
        told = made["summary"]["repeated"]
        assert told["rows_left_out_for_it"] >= K - 1
        assert told["smallest_group"] >= K
        assert told["fewest_values_of_a_group"] >= 2


@pytest.mark.parametrize("is_checked", [False, True])
def test_a_purpose_that_leaves_somebody_out_is_a_filter_like_any(space, tmp_path, monkeypatch, is_checked):
    if not is_checked:
        unchecked(monkeypatch)
    _, first = release(space, tmp_path, "first")
    _, second = release(space, tmp_path, "second", "marketing")
    assert bool(told_apart(first, second)) is not is_checked


@pytest.mark.parametrize("is_checked", [False, True])
def test_who_came_is_not_told_by_two_releases(space, tmp_path, monkeypatch, is_checked):
    if not is_checked:
        unchecked(monkeypatch)
    _, first = release(space, tmp_path, "first")
    rows = [{**row, "age": 20, "zip": "10000"} for row in people(1, 100)]
    collect(space, tmp_path, rows, bases=BASES, consents=grants(rows))
    _, second = release(space, tmp_path, "second")
    assert bool(told_apart(first, second)) is not is_checked


def test_the_same_again_is_free_of_it(space, tmp_path):
    _, first = release(space, tmp_path, "first")
    made, second = release(space, tmp_path, "second")
    assert rows_of(first) == rows_of(second)
    told = made["summary"]["repeated"]
    assert (told["rows_left_out_for_it"], told["people_with_other_values_around"]) == (0, 0)
    _, third = release(space, tmp_path, "third", k=6)
    assert not told_apart(first, third)


def test_what_leaving_out_cannot_mend_is_refused_and_the_officer_sees_why(space, tmp_path):
    release(space, tmp_path, "first")
    withdraw(space, "p0007")
    with pytest.raises(HedgerowError) as caught:
        release(space, tmp_path, "second", suppression_limit="0.02")
    assert caught.value.code == "release.repeats"
    assert "1 person in 1 group" in caught.value.message
    assert not list(tmp_path.glob("second*"))


def test_an_analyst_is_told_no_more_than_that_it_cannot_be_released(space, tmp_path):
    text = space.service.policy()["text"]
    rule = 'permit (principal in Role::"analyst", action == Action::"release", resource);\n'
    rule = f'@id("analyst-may")\n@reason("x")\n{rule}'
    space.service.apply_policy(text + rule)
    release(space, tmp_path, "first", who="ana")
    withdraw(space, "p0007")
    with pytest.raises(HedgerowError) as caught:
        release(space, tmp_path, "second", who="ana", suppression_limit="0.02")
    assert caught.value.code == "use.not-releasable"
    assert not any(word in caught.value.message for word in ("group", "person", "R-"))


def test_what_is_remembered_of_a_person_goes_with_the_person(space, tmp_path):
    release(space, tmp_path, "first")
    with space.opened.spine.store.read() as reader:
        number = space.opened.spine.vault.find(reader, "p0007").number
        before = reader.find(ReleasedPerson, number=number)
        shape = reader.find(ReleaseShape)[0]
    assert len(before) == 1
    space.service.erase_subject("p0007")
    with space.opened.spine.store.read() as reader:
        assert reader.find(ReleasedPerson, number=number) == []
        assert len(reader.find(ReleasedPerson)) == 59
        # What is left of the person is that a class had one more; no value is in the clear.
        assert reader.find(ReleaseShape)[0] == shape
        assert not any(diag in shape.body for diag in ('"A"', '"B"', '"p0007"'))
    space.service.verify()
    _, second = release(space, tmp_path, "second")
    assert not told_apart(tmp_path / "first.csv", second)


def test_a_release_that_left_meanwhile_stops_the_other(space, tmp_path, monkeypatch):
    real, done = repeating.beside_earlier, []

    def meanwhile(make, rows, wanted, earlier):
        made = real(make, rows, wanted, earlier)
        if not done:
            done.append(1)
            release(space, tmp_path, "between")
        return made

    monkeypatch.setattr("hedgerow.techniques.anonymity.governed.beside_earlier", meanwhile)
    assert code_of(lambda: release(space, tmp_path, "first")) == "release.moved"
    assert sorted(
        path.name for path in tmp_path.glob("*.csv") if not path.name.startswith(("rows", "cons"))
    ) == ["between.csv"]
    space.service.verify()


def test_a_memory_that_was_put_back_or_taken_away_is_noticed(space, tmp_path):
    release(space, tmp_path, "first")
    store = space.opened.spine.store
    with store.write() as tx:
        line = tx.find(ReleasedPerson)[0]
        tx.remove(ReleasedPerson, release=line.release, number=line.number)
    assert code_of(space.service.verify) == "records.differ"
    with store.write() as tx:
        tx.add([line])
    space.service.verify()
    with store.write() as tx:
        tx.remove(ReleaseShape, release=line.release)
    assert code_of(space.service.verify) == "records.differ"


def test_a_copy_under_another_name_is_checked_too(space, tmp_path):
    _, first = release(space, tmp_path, "first")
    rows = people(60)[1:]
    for row in rows:
        row["age"], row["zip"] = 20 + 10 * (int(row["pid"][1:]) % 2), "10000"
    collect(space, tmp_path, rows, dataset="copy", consents=grants(rows))
    out = tmp_path / "copy.csv"
    wanted = ReleaseRequest("copy", QUASI, K, ["diag"], suppression_limit="0.2")
    space.acting_as("po").service.release(wanted, purpose="research", out=out, force=False)
    assert not told_apart(first, out)


def test_a_restored_workspace_remembers_and_forgets_who_was_erased_since(tmp_path):
    program, folder = Program(tmp_path / "space", None), tmp_path / "out"
    folder.mkdir()

    def do(*line):
        done = program.call(*line)
        assert done.code == 0, (line, done.err)
        return done

    lines = "".join(f"p{number:03d},{20 + 10 * (number % 2)},{'ABC'[number % 3]}\n" for number in range(40))
    (folder / "rows.csv").write_text("pid,age,diag\n" + lines)
    do("init", tmp_path / "space", "--no-passphrase")
    do("purpose", "add", "research", "--why", "why", "--owner", "owner", "--until", "2099-01-01")
    taken = ("--dataset", "visits", "--subject-key", "pid", "--drop", "", "--purpose", "research")
    do("collect", folder / "rows.csv", *taken, "--basis", "contract")
    ask = ("release", "visits", "--purpose", "research", "--quasi", "age", "--sensitive", "diag", "--k", "5")
    do(*ask, "--out", folder / "first.csv")
    do("file", "identity", "--out", folder / "me", "--recipient-out", folder / "me.pub", "--no-passphrase")
    do("backup", "make", "--to", folder / "backup", "--recipient", folder / "me.pub")
    do("subject", "erase", "p007", "--yes")
    program = Program(tmp_path / "restored", None)
    do("restore", folder / "backup", "--identity", folder / "me")
    do("journal", "verify")
    with (
        open_space(tmp_path / "restored", passphrase=lambda _: None) as space,
        space.opened.spine.store.read() as reader,
    ):
        assert len(reader.find(ReleasedPerson)) == 39
    told = do(*ask, "--suppress", "0.5", "--out", folder / "second.csv", "--json").json["summary"]["repeated"]
    assert told["rows_left_out_for_it"] >= K
