"""Proves that the text forms of transforms and declared hierarchies are read exactly and written back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters, RiskSummary
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ladders import is_ladder, parse_ladder, split_ladder
from hedgerow.model.transforms import Averaged, Capped, Drawn, parse_transform, parse_transforms
from hedgerow.techniques.anonymity.transforming import Further, finished, transformed


def code_of(call, *given):
    with pytest.raises(CallerError) as caught:
        call(*given)
    return caught.value.code


class TestTransforms:
    @pytest.mark.parametrize(
        ("text", "made"),
        [
            ("top(age)=90", Capped("age", Decimal(90), is_top=True)),
            ("bottom(age)=-0.5", Capped("age", Decimal("-0.5"), is_top=False)),
            ("top(visit_date)=2024-12-31", Capped("visit_date", dt.date(2024, 12, 31), is_top=True)),
            ("top(at)=2024-12-31T12:00:00", Capped("at", dt.datetime(2024, 12, 31, 12), is_top=True)),  # noqa: DTZ001
            ("microaggregate(income,rent)=5", Averaged(("income", "rent"), 5)),
            ("sample=0.125", Drawn(Fraction(1, 8))),
        ],
    )
    def test_a_text_is_read_exactly_and_written_back(self, text, made):
        assert parse_transform(text) == made
        assert str(made) == text

    def test_one_thing_has_one_text(self):
        assert str(parse_transform(" top( age )= 90.00 ")) == "top(age)=90"
        assert str(parse_transform("microaggregate(a, b)=05")) == "microaggregate(a,b)=5"
        assert str(parse_transform("sample=5e-1")) == "sample=0.5"

    @settings(max_examples=50, deadline=None)
    @given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
    def test_any_bound_comes_back_as_it_was(self, bound):
        made = parse_transform(f"top(x)={bound}")
        assert Fraction(made.bound) == Fraction(bound)
        assert parse_transform(str(made)) == made

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("cap(age)=90", "transform.unknown"),
            ("top=90", "transform.malformed"),
            ("top(age)", "transform.malformed"),
            ("top(age)=old", "transform.malformed"),
            ("top(age)=1e999999999", "transform.malformed"),
            ("top(age)=NaN", "transform.malformed"),
            ("microaggregate(income)=1", "transform.malformed"),
            ("microaggregate(income)=2.5", "transform.malformed"),
            ("microaggregate(income,income)=5", "transform.malformed"),
            ("sample=0", "transform.malformed"),
            ("sample=1", "transform.malformed"),
            ("sample(age)=0.5", "transform.malformed"),
        ],
    )
    def test_what_is_not_written_so_is_refused(self, text, code):
        assert code_of(parse_transform, text) == code

    @pytest.mark.parametrize(
        ("texts", "code"),
        [
            (["top(age)=90", "top(age)=80"], "transform.repeated"),
            (["sample=0.5", "sample=0.6"], "transform.repeated"),
            (["microaggregate(a)=5", "microaggregate(b,a)=5"], "transform.repeated"),
            (["top(age)=18", "bottom(age)=90"], "transform.bounds-crossed"),
            (["bottom(age)=18", "top(age)=18"], "transform.bounds-crossed"),
            (["bottom(day)=18", "top(day)=2024-01-01"], "transform.bounds-crossed"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, texts, code):
        assert code_of(parse_transforms, texts) == code

    def test_each_says_what_it_protects_and_what_not(self):
        for text in ("top(age)=90", "bottom(age)=18", "microaggregate(age)=5", "sample=0.5"):
            for is_before in (True, False):
                protects, leaves = parse_transform(text).words(is_before=is_before)
                assert protects
                assert leaves
                assert "{" not in protects + leaves
                assert "anonymous" not in protects + leaves


class TestHierarchies:
    @pytest.mark.parametrize(
        "text",
        [
            "intervals(0,110;5,10,20,40)",
            "intervals(-1.5,2.5;0.5)",
            "calendar(month,year)",
            "calendar(day;2020-01-01,2024-12-31)",
            "redaction(right)",
            "redaction(left;2)",
            "order(school,college,bachelor,master;2,2)",
        ],
    )
    def test_a_text_is_read_and_written_back(self, text):
        column, rest = split_ladder(f" x = {text} ")
        assert (column, is_ladder(rest)) == ("x", True)
        assert str(parse_ladder("x", rest)) == text

    def test_a_file_is_no_built_one(self):
        assert split_ladder("age=h/a=b.csv") == ("age", "h/a=b.csv")
        assert not is_ladder("h/age.csv")

    @pytest.mark.parametrize(
        ("rest", "code"),
        [
            ("steps(1,2)", "ladder.unknown"),
            ("intervals(0,100)", "ladder.malformed"),
            ("intervals(0;5)", "ladder.malformed"),
            ("intervals(0,x;5)", "ladder.malformed"),
            ("calendar(month;yesterday,today)", "ladder.malformed"),
            ("redaction(middle)", "ladder.malformed"),
            ("redaction(left;0)", "ladder.malformed"),
            ("order(a,b)", "ladder.malformed"),
            ("order(a,,b;2)", "ladder.malformed"),
        ],
    )
    def test_what_is_not_written_so_is_refused(self, rest, code):
        assert code_of(parse_ladder, "x", rest) == code
        assert code_of(split_ladder, "no-sign") == "ladder.unknown"

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("intervals(100,0;5)", "hierarchy.bad-bounds"),
            ("intervals(0,100;5,12)", "hierarchy.bad-widths"),
            ("calendar(year,month)", "hierarchy.bad-steps"),
            ("calendar(week,month)", "hierarchy.bad-steps"),
            ("order(a,b;1)", "hierarchy.bad-fan-outs"),
            ("order(a,a;2)", "hierarchy.repeated-value"),
        ],
    )
    def test_choices_that_do_not_fit_are_refused_without_a_row(self, text, code):
        further = Further.of({"hierarchy_choices": {"x": text}})
        assert code_of(further.declared, ReleaseParameters(("x",), 2)) == code


ASKED = ReleaseParameters(("age",), 2, ("income",), person=PERSON)
ROWS = pa.table(
    {
        "age": [17, 30, 31, 95, 99, 40],
        "income": [9, 1, 5, 3, 7, 2],
        PERSON: pa.array([1, 2, 3, 4, 5, 5], pa.int64()),
    }
)


class TestDone:
    def test_they_are_done_in_the_order_given(self):
        further = Further.of({"transforms": ["top(age)=90", "microaggregate(age)=2", "bottom(age)=35"]})
        rows, _, changed = transformed(ROWS, ASKED, further)
        assert list(changed) == ["top(age)=90", "microaggregate(age)=2", "bottom(age)=35"]
        assert changed["top(age)=90"] == 2
        capped = [17, 30, 31, 90, 90, 40]  # one person has two rows: groups of four rows hold two people
        mean = sum(capped) / 6
        assert rows["age"].to_pylist() == [mean] * 6

    def test_hierarchies_are_built_of_the_transformed_rows(self):
        further = Further.of(
            {"transforms": ["top(age)=90"], "hierarchy_choices": {"age": "intervals(10,91;9,27)"}}
        )
        assert code_of(Further((), further.ladders).built, ROWS, ASKED) == "hierarchy.outside-bounds"
        _, asked, _ = transformed(ROWS, ASKED, further)
        assert len(dict(asked.hierarchies)["age"].values) == 81  # declared, not observed

    def test_averages_of_sensitive_columns_follow_and_hold_k_people(self):
        further = Further.of({"transforms": ["microaggregate(income)=2"]})
        rows, asked, changed = transformed(ROWS, ASKED, further)
        assert rows.equals(ROWS)
        assert changed == {}
        made = finished(_made(ROWS), asked, further)
        shown = made.table["income"].to_pylist()
        whose = made.people.to_pylist()
        for value in set(shown):
            assert len({who for who, own in zip(whose, shown, strict=True) if own == value}) >= 2
        assert made.table.column_names == ["age", "income"]
        assert made.risk.sensitive[0].distinct == 1

    def test_rows_that_look_alike_tell_no_order_of_what_was_averaged(self):
        """The rows of one class come sorted by the exact income; nothing of that order may be left."""
        rows = pa.table({"age": [1] * 8, "income": [*range(8)], PERSON: pa.array(range(8), pa.int64())})
        further = Further.of({"transforms": ["microaggregate(income)=4"]})
        made = finished(_made(rows.take([7, 0, 6, 1, 5, 2, 4, 3])), ASKED, further)
        assert made.table["income"].to_pylist() == sorted(made.table["income"].to_pylist())

    def test_fewer_people_than_a_group_needs_are_refused(self):
        further = Further.of({"transforms": ["microaggregate(income)=4"]})
        assert code_of(finished, _made(ROWS), ASKED, further) == "transform.too-few-people"

    @pytest.mark.parametrize("bound", ["0.1", "0.3", "6.1"])
    def test_a_bound_that_no_float_is_exactly_is_met_by_the_float_that_prints_so(self, bound):
        rows = ROWS.set_column(1, "income", pa.array([0.05, 0.1, 0.2, 0.3, 7.5, -1.5]))
        for text in (f"top(income)={bound}", f"bottom(income)={bound}"):
            further = Further.of({"transforms": [text]})
            done, asked, _ = transformed(rows, ASKED, further)
            assert float(bound) in done["income"].to_pylist()
            assert finished(_made(done), asked, further).table.num_rows == 6

    def test_a_value_beyond_the_bound_in_a_finished_table_is_a_fault(self):
        for text in ("top(age)=90", "bottom(age)=18"):
            with pytest.raises(Fault, match="recount"):
                finished(_made(ROWS), ASKED, Further.of({"transforms": [text]}))


def _made(rows):
    risk = RiskSummary(2, rows.num_rows, rows.num_rows, 0, ((2, 3),), (), (), 0.0)
    return KAnonymousTable(rows.drop_columns(PERSON), risk, (), people=rows[PERSON])
