"""The Python face: the same gate, journal and refusals as the command line, for queries, rows and fields."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import hedgerow as hr
from hedgerow.app import workspace
from hedgerow.app.declaring import Asked
from hedgerow.app.rows import read_rows
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.model.words import Basis

SQL = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
SECRET = "Zebulon Quartermaine"
CONSENT = {"purpose": "research", "time": "2024-01-01T00:00:00Z"}


def people(count=60):
    """Make rows as an application holds them."""
    return [
        {
            "id": f"p{i:02}",
            "name": SECRET if i == 3 else f"Name {i}",
            "age": 20 + i,
            "ward": "AB"[i % 2],
            "weight": 50.5 + i,
            "seen": date(2024, 1, 1) + timedelta(days=i),
        }
        for i in range(count)
    ]


def consents(count=50):
    return [{"subject": f"p{i:02}", **CONSENT} for i in range(count)]


@pytest.fixture
def directory(tmp_path):
    workspace.create(tmp_path / "space", None)
    return tmp_path / "space"


@pytest.fixture
def empty(directory):
    with hr.open(directory) as space:
        space.service.add_principal("app", ["service"])
        space.service.add_principal("ana", ["analyst"])
        for purpose in ("research", "care", "marketing"):
            space.service.add_purpose(purpose, "help people", "owner", date(2099, 1, 1))
        yield space


@pytest.fixture
def space(empty):
    empty.acting_as("app").collect(
        people(),
        dataset="visits",
        subject_key="id",
        purposes={"research": "consent", "care": "contract"},
        drop=(),
        consents=consents(),
    )
    empty.service.declare("visits", Asked(max_rows=2, keys={"ward": ["A", "B"]}))
    empty.service.allocate("visits", "research", Fraction(2))
    return empty


def newest(space, count=1):
    return [entry["action"] for entry in space.service.entries(count)]


class TestQuery:
    def test_an_analyst_asks_for_a_purpose(self, space):
        ana = space.acting_as("ana", purpose="research")
        decision = ana.explain("visits", SQL, epsilon="1")
        assert decision["allowed"]
        assert newest(space) == ["budget.allocate"]
        answer = ana.query("visits", SQL, epsilon="1", request_id="q")
        assert [row[0] for row in answer["rows"]] == ["A", "B"]
        assert answer["receipt"]["budget"]["own"]["left"] == "1"
        assert newest(space, 2) == ["use.intend", "use.done"]
        assert ana.query("visits", SQL, epsilon="1", request_id="q")["rows"] == answer["rows"]

    def test_a_query_built_without_sql_goes_through_the_same_gate(self, space):
        ana = space.acting_as("ana", purpose="research")
        asked = ana.table("visits").group_by("ward").agg(n=hr.dp.count())
        sql = "SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward"
        told, said = asked.explain(1), ana.explain("visits", sql, epsilon="1")
        assert (told["allowed"], told["plan"]) == (True, said["plan"])
        assert newest(space) == ["budget.allocate"]
        answer = asked.answer(1, request_id="built")
        assert [row[0] for row in answer["rows"]] == ["A", "B"]
        assert answer["receipt"]["budget"]["own"]["left"] == "1"
        assert newest(space, 2) == ["use.intend", "use.done"]
        assert asked.answer("1", request_id="built")["rows"] == answer["rows"]
        with pytest.raises(hr.Refused, match="belongs to another request"):
            asked.limit(1).answer("1", request_id="built")
        with pytest.raises(hr.Refused) as caught:
            asked.answer(Decimal("1.5"))
        assert caught.value.row.exit == 5

    def test_refusals_are_exceptions_with_codes(self, space):
        ana = space.acting_as("ana")
        with pytest.raises(hr.CallerError) as caught:
            ana.query("visits", SQL, epsilon="1")
        assert caught.value.code == "purpose.missing"
        with pytest.raises(hr.Refused) as caught:
            ana.query("visits", SQL, epsilon="3", purpose="research")
        assert caught.value.row.exit == 5
        assert not ana.explain("visits", SQL, epsilon="3", purpose="research")["allowed"]


class TestDrop:
    def test_a_data_set_is_dropped_and_collected_again(self, space):
        assert space.plan_drop("visits")["people_only_here"] == 60
        assert [d["name"] for d in space.service.datasets()] == ["visits"]
        assert space.drop("visits")["people"] == 60
        assert newest(space) == ["dataset.drop"]
        with pytest.raises(hr.Refused) as caught:
            space.acting_as("ana", purpose="research").query("visits", SQL, epsilon="1")
        assert caught.value.code == "dataset.dropped"
        bases = {"research": "public-task"}
        taken = space.collect(people(9), dataset="visits", subject_key="id", purposes=bases, keep=["age"])
        assert (taken["version"], taken["people"], taken["new_people"]) == (3, 9, 0)

    def test_only_who_may(self, space):
        with pytest.raises(hr.Refused) as caught:
            space.acting_as("ana").drop("visits")
        assert caught.value.code == "policy.not-permitted"


class TestRead:
    def test_fields_are_read_through_the_gate_and_journaled(self, space):
        read = space.acting_as("app", purpose="care").subject("p03").read(["name", "age"])
        assert read["fields"] == {"name": [SECRET]}
        assert read["rows"] == [{"age": 23}]
        assert newest(space, 2) == ["use.intend", "use.done"]
        uses = space.subject("p03").show()
        assert "subject.read" in str(uses["acts"]) or "use" in str(uses["acts"])

    @pytest.mark.parametrize(
        ("who", "ref", "purpose", "code"),
        [
            ("ana", "p03", "care", "policy.not-permitted"),
            ("app", "p03", "marketing", "basis.missing"),
            ("app", "p55", "research", "basis.withdrawn"),
            ("nobody", "p03", "care", "principal.unknown"),
        ],
    )
    def test_without_role_purpose_or_basis_it_is_refused(self, space, who, ref, purpose, code):
        with pytest.raises(hr.Refused) as caught:
            space.acting_as(who, purpose=purpose).subject(ref).read(["age"])
        assert caught.value.code == code
        assert "23" not in str(caught.value)

    def test_without_a_purpose_the_call_is_malformed(self, space):
        with pytest.raises(hr.CallerError) as caught:
            space.acting_as("app").subject("p03").read(["age"])
        assert caught.value.code == "purpose.missing"

    def test_where_to_read_from_is_asked_with_the_data_sets_of_the_person(self, space):
        rows = [{"id": "p03", "age": 23}]
        for dataset in ("other", "elsewhere"):
            space.collect(rows, dataset=dataset, subject_key="id", purposes={"care": "contract"}, drop=[])
            rows = [{"id": "p04", "age": 24}]
        app = space.acting_as("app", purpose="care").subject("p03")
        for fields, count in ((["age"], 2), (["nothing"], 0)):
            with pytest.raises(hr.CallerError) as caught:
                app.read(fields)
            assert caught.value.code == "subject.which-dataset"
            assert f"{count} of" in caught.value.message
            assert "other, visits" in caught.value.message or "visits, other" in caught.value.message
            assert "elsewhere" not in caught.value.message + caught.value.next_step
        assert app.read(["age"], dataset="other")["rows"] == [{"age": 23}]

    def test_a_handle_never_names_the_person(self, space):
        assert "p03" not in repr(space.subject("p03"))


class TestCollect:
    def test_rows_go_where_a_file_would_go(self, space):
        shown = space.service.dataset("visits")
        assert {c["name"]: c["type"] for c in shown["columns"]} == {
            "id": "text",
            "name": "text",
            "age": "integer",
            "ward": "text",
            "weight": "decimal",
            "seen": "date",
        }
        assert {c["name"] for c in shown["columns"] if c["in_vault"]} == {"id", "name"}
        assert shown["bases"] == {"research": "consent", "care": "contract"}

    def test_rows_and_a_file_of_them_make_the_same_plan(self, empty, tmp_path):
        file = tmp_path / "rows.csv"
        pa.csv.write_csv(pa.Table.from_pylist(people()), file)
        common = {"dataset": "d", "subject_key": "id", "bases": {"care": Basis.CONTRACT}, "drop": ("weight",)}
        by_file = empty.service.plan_collect(CollectRequest(path=file, **common))
        by_rows = empty.service.plan_source(CollectRequest(path=file, **common), read_rows(people()))
        assert by_file.columns == by_rows.columns
        assert by_file.as_json()["columns"] == by_rows.as_json()["columns"]

    @pytest.mark.parametrize(
        "kind",
        [
            "mappings",
            "arrow",
            pytest.param("pandas", marks=pytest.mark.extra),
            pytest.param("polars", marks=pytest.mark.extra),
        ],
    )
    def test_every_kind_of_table_is_the_same_source(self, empty, kind):
        table = pa.Table.from_pylist(people())
        rows = {
            "mappings": people,
            "arrow": lambda: table,
            "pandas": lambda: pytest.importorskip("pandas") and table.to_pandas(),
            "polars": lambda: pytest.importorskip("polars").from_arrow(table),
        }[kind]()
        taken = empty.collect(
            rows, dataset="d", subject_key="id", purposes={"care": "contract"}, keep=["age"]
        )
        assert (taken["rows"], taken["people"]) == (60, 60)
        with pytest.raises(hr.CallerError) as caught:
            empty.collect(
                people(), dataset="d", subject_key="id", purposes={"care": "contract"}, keep=["age"]
            )
        assert caught.value.code == "collect.taken-before"

    def test_missing_names_and_people_are_no_loss(self, empty):
        rows = [*people(5), {"id": "p90", "age": 3, "extra": Decimal("1.5")}, {"name": "nobody's", "age": 4}]
        taken = empty.collect(rows, dataset="d", subject_key="id", purposes={"care": "contract"}, drop=[])
        assert (taken["rows"], taken["set_aside"]) == (6, 1)
        assert "extra" in {c["name"] for c in empty.service.dataset("d")["columns"]}

    @pytest.mark.parametrize(
        ("rows", "code"),
        [
            ([], "collect.rows-malformed"),
            ([1, 2], "collect.rows-malformed"),
            ([{1: "x"}], "collect.rows-malformed"),
            ([{"id": SECRET}, {"id": 5}], "collect.rows-malformed"),
            ("id,age", "collect.rows-malformed"),
            (pa.table({"id": pa.array([], pa.string())}), "files.no-rows"),
            ([{"id": "p1", "ID": "p2"}], "files.duplicate-column"),
            ([{"name": "x"}], "collect.no-subject-key"),
        ],
    )
    def test_rows_that_are_no_table_are_told_without_a_value(self, empty, rows, code):
        with pytest.raises(hr.CallerError) as caught:
            empty.collect(rows, dataset="d", subject_key="id", purposes={"care": "contract"}, drop=())
        assert caught.value.code == code
        assert SECRET not in str(caught.value)
        assert "/proc" not in str(caught.value)
        assert empty.service.datasets() == []

    @pytest.mark.parametrize(
        ("who", "purposes", "named", "code"),
        [
            ("app", {"care": "contract"}, {}, "collect.not-minimal"),
            ("app", {"fun": "consent"}, {"drop": ()}, "purpose.unknown"),
            ("ana", {"care": "contract"}, {"drop": ()}, "policy.not-permitted"),
        ],
    )
    def test_the_same_refusals_as_for_a_file(self, empty, who, purposes, named, code):
        with pytest.raises(hr.Refused) as caught:
            empty.acting_as(who).collect(people(5), dataset="d", subject_key="id", purposes=purposes, **named)
        assert caught.value.code == code
        assert empty.service.datasets() == []

    @pytest.mark.parametrize(
        ("purposes", "code"), [({}, "purpose.missing"), ({"care": "because"}, "basis.unknown")]
    )
    def test_a_purpose_and_a_basis_that_exist_are_needed(self, empty, purposes, code):
        with pytest.raises(hr.CallerError) as caught:
            empty.collect(people(5), dataset="d", subject_key="id", purposes=purposes, drop=())
        assert caught.value.code == code
        assert "because" not in caught.value.message
        assert empty.service.datasets() == []

    def test_values_a_table_cannot_hold_are_refused(self, empty):
        rows = pa.table({"id": ["p1"], "gap": pa.array([np.timedelta64(5, "s")])})
        with pytest.raises(hr.CallerError) as caught:
            empty.collect(rows, dataset="d", subject_key="id", purposes={"care": "contract"}, drop=())
        assert caught.value.code == "files.column-unsupported"


class TestRetry:
    """Rows set aside are never lost and never turn into other rows."""

    @pytest.fixture
    def collect(self, empty, tmp_path):
        def take(text, name="f.csv", types='[types]\nage = "integer"\n'):
            (tmp_path / name).write_text(text)
            (tmp_path / "s.toml").write_text("drop = []\n" + types)
            from hedgerow.app.declaring import read_schema

            request = CollectRequest(
                tmp_path / name, "d", "id", {"care": Basis.CONTRACT}, schema=read_schema(tmp_path / "s.toml")
            )
            empty.service.collect(empty.service.plan_collect(request))
            return empty.service.quarantine_list()[0]

        return take

    def test_a_row_of_nobody_waits_on_and_makes_no_person(self, empty, collect):
        batch = collect("id,word,age\np1,a,1\n,b,2\np3,c,x\np4,d,4\n")
        assert [row["line"] for row in batch["rows"]] == [3, 4]
        taken = empty.service.quarantine_retry(batch["batch"], empty_broken=True)
        assert (taken["rows"], taken["set_aside"]) == (1, 1)
        left = empty.service.quarantine_list()[0]
        assert (taken["retried"], taken["batch"]) == (batch["batch"], left["batch"])
        assert left["rows"] == [{"line": 3, "reason": "column id: expected whose row it is, found nothing"}]
        with pytest.raises(hr.CallerError) as caught:
            empty.service.quarantine_retry(left["batch"], empty_broken=True)
        assert caught.value.code == "quarantine.still-broken"
        assert empty.subject("p3").export()["values"]["d"]["rows"] == [{"word": "c", "age": None}]

    def test_lines_stay_those_of_the_file_when_cells_hold_new_lines(self, empty, collect):
        batch = collect('id,word,age\np1,a,1\np2,"two\nlines",x\np3,c,3\np4,d,y,extra\np5,e,z\n')
        assert [row["line"] for row in batch["rows"]] == [3, 6, 7]
        taken = empty.service.quarantine_retry(batch["batch"], empty_broken=True)
        assert (taken["rows"], taken["set_aside"]) == (2, 1)
        assert [row["line"] for row in empty.service.quarantine_list()[0]["rows"]] == [6]
        assert empty.subject("p2").export()["values"]["d"]["rows"][0]["word"] == "two\nlines"

    def test_json_lines_keep_their_lines_too(self, empty, collect):
        batch = collect(
            '{"id":"p1","age":1}\n{"id":"p2","age":"x"}\n{"id":"p3","age":3}\n{"age":4}\n', "f.jsonl"
        )
        assert [row["line"] for row in batch["rows"]] == [2, 4]
        with pytest.raises(hr.CallerError) as caught:
            empty.service.quarantine_retry(batch["batch"])
        assert caught.value.code == "quarantine.still-broken"
