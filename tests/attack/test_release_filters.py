"""Proves that filters single nobody out: releases that differ by a condition are mended or refused.

The attacker holds every file, reads the condition of each in its certificate, and knows everybody's age, zip,
ward and visit. Each attack wins where the check is taken away, and wins nothing where it is there.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from tests.attack.review_world import CONSENT, code_of, empty, grants, people
from tests.attack.test_repeated_releases import K, release, rows_of, told_apart, unchecked

from hedgerow.app.service.collecting import CollectRequest
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import ReleasedPerson
from hedgerow.techniques.anonymity import picking

CLASSES = 2
# Of each class of sixty people: two of ward C, the others of A and B alike.
FEW = ("p0001", "p0002", "p0003")


def rows_with_wards():
    rows = people(60)
    for row in rows:
        number = int(row["pid"][1:])
        row["age"], row["zip"] = 20 + 10 * (number % CLASSES), "10000"
        row["ward"] = "C" if row["pid"] in FEW else "AB"[number // CLASSES % 2]
        row["number"], row["answer"] = number, "UVXYZ"[number % 5]
        row["visit"] = min(number, 50)
        row["diag"] = "ABCDE"[number // 4 % 5]
    return rows


@pytest.fixture
def space(tmp_path):
    """Make a workspace of sixty people who look alike in tens, three of them of a ward of their own."""
    made = empty(tmp_path)
    collect_rows(made, tmp_path, rows_with_wards())
    with made:
        yield made


def collect_rows(space, folder, rows, dataset="visits"):
    path, told = folder / f"{dataset}.rows", folder / f"{dataset}.consents"
    names = list(rows[0])
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    told.write_text(grants(rows))
    kept = ("email", "age", "zip", "diag", "ward", "visit", "number", "answer")
    asked = CollectRequest(path, dataset, "pid", CONSENT, keep=kept, drop=("name",), consents=told)
    space.service.collect(space.service.plan_collect(asked))


def isolated(taken):
    """Find groups of fewer than K people of a class whom all files sort alike.

    Args:
        taken: Who is in each file, as the conditions and what everybody knows of people tell.
    """
    kinds = Counter()
    for row in rows_with_wards():
        inside = tuple(row["pid"] in each for each in taken)
        if any(inside):
            kinds[row["age"], inside] += 1
    return [many for many in kinds.values() if many < K]


def who_left(space, made):
    """Read who is remembered of each release."""
    spine = space.opened.spine
    with spine.store.read() as reader:
        known = {spine.vault.find(reader, row["pid"]).number: row["pid"] for row in rows_with_wards()}
        return [{known[line.number] for line in reader.find(ReleasedPerson, release=each["release"])}
                for each in made]  # fmt: skip


SETS = {
    "all and all but the ward of three": (None, "ward <> 'C'"),
    "all and all but one person": (None, "visit <> 17"),
    "one value of a range": ("visit >= 10", "visit >= 11"),
    "ranges that overlap by three": ("visit <= 32", "visit >= 30"),
    "a part, its complement and all but one": ("visit <= 30", "visit > 30", "visit <> 44"),
    "a union that isolates": ("ward IN ('A', 'B')", "ward IN ('A', 'C')", "ward IN ('B', 'C')"),
}


@pytest.mark.parametrize("is_checked", [False, True])
@pytest.mark.parametrize("wheres", SETS.values(), ids=SETS)
def test_filters_that_differ_by_few_people_tell_nobody_apart(
    space, tmp_path, monkeypatch, wheres, is_checked
):
    if not is_checked:
        unchecked(monkeypatch)
    made, stopped = [], []
    for place, where in enumerate(wheres):
        try:
            made.append(release(space, tmp_path, f"f{place}", where=where)[0])
        except HedgerowError as error:
            stopped.append(error.code)
    assert set(stopped) <= ({"release.repeats"} if is_checked else set())
    assert bool(isolated(who_left(space, made))) is not is_checked
    if is_checked:
        assert stopped or any(
            each["summary"].get("repeated", {}).get("rows_left_out_for_it") for each in made
        )
    if is_checked and wheres[0] is None and not stopped:
        assert not told_apart(tmp_path / "f0.csv", tmp_path / "f1.csv")


def test_a_part_and_its_complement_are_both_released_and_whole(space, tmp_path):
    release(space, tmp_path, "low", where="visit <= 30")
    made, high = release(space, tmp_path, "high", where="NOT visit <= 30")
    assert made["summary"]["repeated"]["rows_left_out_for_it"] == 0
    assert sum(rows_of(high).values()) == sum(rows_of(tmp_path / "low.csv").values()) == 30


@pytest.mark.parametrize("is_checked", [False, True])
def test_a_filter_by_what_another_release_names_sensitive_gives_no_value_away(
    space, tmp_path, monkeypatch, is_checked
):
    """Whoever is in a release of all and not in one of those without an answer would have given it."""
    if not is_checked:
        unchecked(monkeypatch)
    release(space, tmp_path, "all", sensitive=["answer"])
    outcome = code_of(lambda: release(space, tmp_path, "some", sensitive=[], where="answer <> 'U'"))
    left = [{"release": each["id"]} for each in space.service.releases()]
    present = set.intersection(*who_left(space, left))
    away = {(row["age"], row["answer"]) for row in rows_with_wards() if row["pid"] not in present}
    is_told = outcome == "done" and any(Counter(age for age, _ in away)[age] == 1 for age, _ in away)
    assert is_told is not is_checked


@pytest.mark.parametrize("is_whole", [False, True])
def test_rows_of_a_person_that_a_filter_parts_are_not_told(space, tmp_path, monkeypatch, is_whole):
    """Each of ten people has a second row, of one diagnosis: the difference of two files would be these."""
    if not is_whole:
        monkeypatch.setattr(picking, "_of_whole_people", lambda met, _: met)
    rows = rows_with_wards()
    second = [{**row, "diag": "E", "ward": "Z"} for row in rows if row["age"] == 20][:10]
    collect_rows(space, tmp_path, [*rows, *second], "twice")
    _, every = release(space, tmp_path, "all", dataset="twice")
    outcome = code_of(lambda: release(space, tmp_path, "some", dataset="twice", where="ward <> 'Z'"))
    more = rows_of(every) - rows_of(tmp_path / "some.csv") if outcome == "done" else Counter()
    is_told = {value for _, value in more} == {"E"}
    assert is_told is not is_whole


def test_an_analyst_learns_only_that_it_is_not_releasable(space, tmp_path):
    text = space.service.policy()["text"]
    rule = 'permit (principal in Role::"analyst", action == Action::"release", resource);\n'
    space.service.apply_policy(f'{text}@id("analyst-may")\n@reason("x")\n{rule}')
    release(space, tmp_path, "all", who="ana")
    for where in ("visit <> 17", "visit = 17", "visit < 0"):
        with pytest.raises(HedgerowError) as caught:
            release(space, tmp_path, "x", who="ana", where=where, suppression_limit="0.02")
        assert caught.value.code == "use.not-releasable"
        assert not any(word in str(caught.value.to_problem()) for word in ("group", "17", "R-", "k ="))
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize("where", ["visit = 17", "visit <= 4", "visit < 0", "ward IS NULL"])
def test_fewer_rows_than_k_are_refused_as_a_small_table_is(space, tmp_path, where):
    collect_rows(space, tmp_path, rows_with_wards()[: K - 1], "small")
    small = code_of(lambda: release(space, tmp_path, "y", dataset="small"))
    assert code_of(lambda: release(space, tmp_path, "x", where=where)) == small == "anonymity.k-above-rows"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("email = 'n1@example.org'", "column.in-vault"),
        ("pid = 'p0001'", "column.in-vault"),
        ("number = 17", "release.where-identifies"),
        ("diag = 'A'", "release.where-sensitive"),
        ("nobody_knows = 'p0001 Smith'", "dp.unknown-column"),
        ("visit = 'Smith'", "dp.sql-type"),
        ("ward > 'Smith'", "dp.sql-type"),
        ("ward LIKE 'Smith%'", "release.where-unsupported"),
        ("ward = (SELECT 'Smith')", "release.where-unsupported"),
        ("visit + 1 > 20", "release.where-unsupported"),
        ("visit = 1; visit = 2", "release.where-malformed"),
        ("visit = 1 GROUP BY Smith", "release.where-malformed"),
        ("'Smith", "release.where-malformed"),
        ("", "release.where-malformed"),
        ("ward = '" + "Smith" * 500 + "'", "release.where-malformed"),
    ],
)
def test_what_picks_no_rows_is_refused_and_no_literal_is_told(space, tmp_path, where, code):
    with pytest.raises(HedgerowError) as caught:
        release(space, tmp_path, "x", where=where)
    assert caught.value.code == code
    assert "Smith" not in str(caught.value.to_problem())
    assert not list(tmp_path.glob("x*"))


def test_the_condition_is_told_in_one_form_and_binds_the_request(space, tmp_path):
    where = "((visit >= 10)) and not (ward in ('C')) -- remark"
    made, out = release(space, tmp_path, "first", where=where)
    told = "visit >= 10 AND ward NOT IN ('C')"
    certificate = json.loads((tmp_path / "first.csv.certificate.json").read_text())
    body = certificate["certificate"]["body"]
    assert body["parameters"]["where"] == body["findings"]["where"] == made["summary"]["where"] == told
    assert any(told in said for said in made["summary"]["statements"])
    assert told in json.dumps(space.service.release_shown(made["release"])["summary"])
    assert "ward" not in out.read_text().splitlines()[0]
    page = (tmp_path / "first.csv.certificate.html").read_text()
    assert "ward NOT IN" in page
    space.service.verify()
