"""Households and days of people at the command line: declared, asked, charged to people, shown, audited."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from fractions import Fraction

import pytest

from hedgerow.app.declaring import Asked
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.app.space import open_space
from hedgerow.dp import count
from hedgerow.model.words import Basis

SAID = ("--purpose", "care", "--as", "ana")
BY_WARD = "SELECT ward, COUNT(*) FROM stays GROUP BY ward"
LIMIT = Fraction(1000)
# 12 households of 5 people, each with 3 rows on 3 days: no name of one may be said.
PEOPLE = [(f"n{who:02}", f"Flat-{who // 5:02}") for who in range(60)]
ROWS = [
    (ref, flat, date(2024, 5, 1) + timedelta(day), "AB"[who % 2], 7)
    for who, (ref, flat) in enumerate(PEOPLE)
    for day in range(3)
]


@pytest.fixture(scope="module")
def stays(base, tmp_path_factory):
    """Make the workspace with a data set of households."""
    import shutil

    folder = tmp_path_factory.mktemp("stays")
    space = shutil.copytree(base, folder / "space")
    lines = [",".join(map(str, row)) for row in ROWS]
    source = folder / "stays.csv"
    source.write_text("\n".join(["ref,flat,seen,ward,hours", *lines]) + "\n")
    with open_space(space, passphrase=lambda _: None) as made:
        service = made.service
        request = CollectRequest(source, "stays", "ref", {"care": Basis.PUBLIC_TASK}, drop=())
        service.collect(service.plan_collect(request))
        service.declare("stays", Asked(max_rows=2, bounds={"hours": "0:24"}, keys={"ward": ["A", "B"]}))
        for where in (("stays", "care"), (None, None)):
            service.allocate(*where, LIMIT, Fraction(1, 10**4))
    return space


@pytest.fixture
def space(stays, tmp_path):
    import shutil

    return shutil.copytree(stays, tmp_path / "space")


@pytest.fixture
def declared(hedgerow):
    hedgerow("dataset", "declare", "stays", "--household", "flat", "--household-rows", "8")
    hedgerow("dataset", "declare", "stays", "--day", "seen", "--rows-per-day", "1", "--max-days", "2")
    return hedgerow


def spent(program):
    (account,) = [
        one for one in program("budget", "show", "stays", "--json").json if one["dataset"] == "stays"
    ]
    return account


def test_a_unit_that_is_not_declared_says_how_to_declare_it(hedgerow):
    ask = ("query", "stays", BY_WARD, *SAID, "--epsilon", "1", "--unit")
    told = hedgerow.refused(*ask, "household", code=3, error="dp.unit-undeclared")
    line = "hedgerow dataset declare stays --max-rows N --household COLUMN --household-rows N"
    assert line in told.err
    told = hedgerow.refused(*ask, "person-day", code=3, error="dp.unit-undeclared")
    assert "--day COLUMN --rows-per-day N --max-days N" in told.err


def test_a_household_is_asked_charged_to_people_shown_and_audited(declared):
    ask = ("query", "stays", BY_WARD, *SAID, "--epsilon", "300", "--unit", "household")
    told = declared(*ask, "--explain", "--json").json
    assert (told["plan"]["unit"], told["plan"]["epsilon"]) == ("household", "300")
    assert told["plan"]["person_cost"] == "epsilon 150", "2 of 2 rows of a person, of 8 of a household"
    assert "cost: epsilon 150" in told["obligations"]
    unit = "unit: one household loses epsilon 300; the cost is what a person loses by it"
    assert unit in told["obligations"]
    assert told["forecast"]["queries_left"] == 6
    assert (
        "at most 8 rows of one household count, 2 rows of any one person"
        in told["obligations"] + (told["plan"]["obligations"])
    )
    answer = declared(*ask, "--json").json
    assert (answer["unit"], answer["epsilon_shown"], answer["person_cost"]) == (
        "household",
        "300",
        "epsilon 150",
    )
    assert "One person, with all rows there are, loses epsilon 150 at most" in answer["notes"][0]
    assert sum(row[1] for row in answer["rows"]) == 96, "8 rows of each of 12 households, hardly blurred"
    assert spent(declared)["spent"] == "150"
    assert spent(declared)["units"] == [
        {"unit": "household", "uses": 1, "loss": "epsilon 300", "charged": "epsilon 150"}
    ]
    shown = declared("budget", "show", "stays").out
    assert "stays for care" in shown
    assert "epsilon 300" in shown
    assert "Flat-" not in shown + str(answer) + str(told)
    declared("journal", "verify")


def test_a_day_is_asked_and_charged_by_all_days_that_count(declared):
    ask = ("query", "stays", BY_WARD, *SAID, "--rho", "0.5", "--unit", "person-day")
    answer = declared(*ask, "--json").json
    assert (answer["unit"], answer["rho_shown"], answer["person_cost"]) == ("person-day", "0.5", "rho 0.5")
    assert "one day of one person" in answer["notes"][0]
    declared("dataset", "declare", "stays", "--max-days", "6")
    assert declared(*ask, "--json").json["person_cost"] == "rho 4.5", "(6 / 2)**2 of the rho of a day"
    shown = declared("dataset", "show", "stays").out
    assert "days are of seen; rows of a day that count: 1, on days: 6" in shown
    assert "households are named by flat; rows of one that count: 8" in shown


def test_the_same_question_by_another_unit_is_another_question(declared):
    ask = ("query", "stays", BY_WARD, *SAID, "--epsilon", "1", "--json")
    froms = [
        declared(*ask, *unit).json["receipt"]["from"]
        for unit in ((), ("--unit", "household"), ("--unit", "person-day"), ("--unit", "household"))
    ]
    assert froms == ["new", "new", "new", "stored"]
    assert declared(*ask, "--unit", "person").json["receipt"]["from"] == "stored"
    again = ("--request-id", "r1")
    declared(*ask, *again, "--unit", "household")
    declared.refused(*ask[:-1], *again, code=3, error="request.differs")


def test_the_curve_counts_queries_at_what_people_are_charged(declared):
    ask = ("query", "stays", BY_WARD, *SAID, "--curve", "--epsilon", "100", "--json")
    left = [declared(*ask, *unit).json for unit in ((), ("--unit", "household"))]
    at = left[0]["epsilons"].index("100")
    assert [each["queries_left"][at] for each in left] == [10, 20]


def test_a_budget_is_foreseen_at_what_people_are_charged(declared):
    line = ("budget", "forecast", "stays", "--purpose", "care", "--epsilon", "100", "--json")
    left = [declared(*line, *unit).json["queries_left"] for unit in ((), ("--unit", "household"))]
    assert left == [10, 20]
    assert declared(*line, "--unit", "person").json["queries_left"] == 10


def test_what_a_refusal_says_may_be_asked_is_of_the_unit_and_fits(declared):
    ask = ("query", "stays", BY_WARD, *SAID, "--unit", "household", "--epsilon")
    told = declared.refused(*ask, "5000", code=5, error="budget.exhausted")
    most = told.err.partition("Ask for at most --epsilon ")[2].partition(". ")[0]
    assert most == "2000", "a person pays half of it, and 1000 is left"
    assert declared(*ask, most, "--explain", "--json").json["allowed"]
    assert not declared(*ask, "2000.001", "--explain", "--json").json["allowed"]


def test_less_left_than_the_limit_without_what_was_spent_is_explained(declared):
    said = "Left is the largest epsilon of one more query."
    assert said not in declared("budget", "show", "stays").out
    declared("query", "stays", BY_WARD, *SAID, "--rho", "0.5")
    assert said in declared("budget", "show", "stays").out


def test_households_of_rows_joined_with_a_public_table(declared, tmp_path):
    (tmp_path / "wards.csv").write_text("code,region\nA,north\nA,old\nB,south\n")
    declared("dataset", "public", "add", "wards", "--from", tmp_path / "wards.csv", "--why", "published")
    sql = "SELECT region, COUNT(*) AS n FROM stays JOIN wards ON ward = code GROUP BY region"
    answer = declared("query", "stays", sql, *SAID, "--epsilon", "400", "--unit", "household", "--json").json
    counted = dict(answer["rows"])
    assert counted["north"] == counted["old"], "each row in A is two rows"
    assert counted["north"] + counted["south"] == 96
    assert answer["person_cost"] == "epsilon 200"


def test_a_household_is_no_column_of_any_query(declared):
    for unit in ("person", "household"):
        for sql in (
            "SELECT COUNT(*) FROM stays WHERE flat = 'Flat-01'",
            "SELECT flat, COUNT(*) GROUP BY flat",
        ):
            line = ("query", "stays", sql, *SAID, "--epsilon", "1", "--unit", unit)
            declared.refused(*line, code=3, error="dp.hidden-column")
    counted = "SELECT COUNT(DISTINCT person) FROM stays"
    line = ("query", "stays", counted, *SAID, "--epsilon", "1", "--unit", "household")
    declared.refused(*line, code=3, error="dp.unit-people")
    joined = "SELECT COUNT(*) FROM stays s JOIN visits v ON s.ref = v.patient_ref"
    line = ("query", "stays", joined, *SAID, "--epsilon", "1", "--unit", "household")
    declared.refused(*line, code=3, error="dp.unit-people")
    declared.refused("query", "stays", BY_WARD, *SAID, "--epsilon", "1", "--unit", "household",
                     "--show-sql", "duckdb", code=2, error="engine.element")  # fmt: skip


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (("--household", "hours2"), "column.unknown"),
        (("--household", "seen"), "declare.unit-column"),
        (("--day", "flat"), "declare.unit-column"),
        (("--max-days", "0"), "declare.max-rows"),
    ],
)
def test_what_cannot_name_a_unit(hedgerow, line, error):
    hedgerow.refused("dataset", "declare", "stays", *line, code=2, error=error)


def test_a_charge_whose_unit_was_rewritten_is_found(declared):
    """Who could write another unit beside a charge could let a weak promise look like a strong one."""
    declared("query", "stays", BY_WARD, *SAID, "--epsilon", "1", "--unit", "household")
    with closing(sqlite3.connect(declared.space / "hedgerow.db")) as database, database:
        database.execute("UPDATE charges SET unit = ''")
    declared.refused("journal", "verify", code=6, error="ledger.not-journaled")


def test_queries_built_of_values_and_python_take_the_unit(declared):
    with open_space(declared.space, passphrase=lambda _: None) as made:
        session = made.acting_as("ana", purpose="care")
        built = session.table("stays").agg(n=count()).answer("1", unit="household")
        assert (built["unit"], built["person_cost"]) == ("household", "epsilon 0.5")
        told = session.query("stays", "SELECT COUNT(*) AS n FROM stays", epsilon="1", unit="household")
        assert told["receipt"]["from"] == "stored", "the same question, written as SQL"
        said = session.explain("stays", "SELECT SUM(hours) FROM stays", epsilon="1", unit="person-day")
        assert said["plan"]["person_cost"] == "epsilon 1"


def test_a_copy_is_collected_shown_and_charged_to_what_it_comes_from(hedgerow, tmp_path):
    source = tmp_path / "copy.csv"
    source.write_text("ref,ward\nn01,A\nn02,B\n")
    line = ("collect", source, "--dataset", "copy", "--subject-key", "ref", "--purpose", "care",
            "--basis", "public-task", "--keep", "ward", "--derived-from", "stays")  # fmt: skip
    planned = hedgerow(*line, "--dry-run").out
    assert "from stays: each use is charged to the budgets of that as well, for good." in planned
    assert hedgerow(*line, "--dry-run", "--json").json["derived_from"] == ["stays"]
    hedgerow(*line)
    shown = hedgerow("dataset", "show", "copy").out
    assert "derived from stays: each use is charged to the budgets of that as well" in shown
    hedgerow("dataset", "declare", "copy", "--max-rows", "1")
    hedgerow("budget", "allocate", "copy", "--purpose", "care", "--epsilon", "2000")
    hedgerow("budget", "allocate", "--population", "--epsilon", "5000")
    ask = ("query", "copy", "SELECT COUNT(*) FROM copy", *SAID, "--fresh", "--epsilon")
    hedgerow(*ask, "600")
    assert spent(hedgerow)["spent"] == "600"
    assert (
        "copy is derived: each use of it is charged to stays as well."
        in hedgerow("budget", "show", "copy").out
    )
    refused = hedgerow.refused(*ask, "600", code=5, error="budget.derived")
    assert "stays" not in refused.err
    assert "; what the data set is derived from holds less" in hedgerow(*ask, "300", "--explain").out
    hedgerow.refused(*line[:-1], "copy", code=3, error="derived.cycle")
    hedgerow("journal", "verify")
