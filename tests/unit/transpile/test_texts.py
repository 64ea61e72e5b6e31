"""Proves that each text is read back as what was meant, and what is not known is refused by its name.

No name and no constant is more than itself in any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one
from tests.unit.transpile.drawn import FULL, SOURCE

from hedgerow.kernel.transpile import DIALECTS, Kind, Source, SourceColumn, transpile
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    BinCounts,
    Clamp,
    Column,
    Compare,
    Computed,
    CountPeople,
    CountRows,
    EdgeCounts,
    ExactAggregation,
    KeyDomain,
    Literal,
    SumValues,
)

HOSTILE = ("x", "'; DROP TABLE t; --", '" OR 1=1 --', "`; --", "\\", "\\'", "${env:HOME}", "{{x}}", "/*")
HOSTILE += ("$$", "?", ":a", "@x", "%s", "; --\n")
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def written(text, dialect):
    """Write a text as a key and in a condition."""
    source = Source(("t",), "p", SourceColumn(Kind.WHOLE), {"a": SourceColumn(Kind.TEXT)})
    where = Compare("=", Column("a"), Literal(text))
    plan = ExactAggregation((KeyDomain("a", (text,)),), (CountRows(),), where, 1)
    return parse_one(transpile(plan, source, dialect).aggregates, read=dialect)


def code_of(call):
    with pytest.raises(CallerError) as caught:
        call()
    return caught.value


def read_back(text, dialect):
    """Read a text as the engine's parser would, and see that it says the same when written again."""
    tree = parse_one(text, read=dialect)
    assert tree.sql(dialect=dialect, pretty=True) == text
    return tree


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("rank", ["_rank", None])
def test_each_text_is_read_back_as_what_was_written(dialect, rank):
    # A name with a dot is a path there.
    known = FULL.where.parts[: 4 if dialect == "bigquery" else None]
    made = transpile(replace(FULL, where=AnyOf(known)), replace(SOURCE, rank=rank), dialect)
    assert (made.bounding is None) == (rank is not None)
    for text in [made.bounding, made.aggregates, *(each.sql for each in made.histograms)]:
        if text is not None:
            tree = read_back(text, dialect)
            assert isinstance(tree, exp.Select)
            # A random order is drawn once, and used once.
            assert len(list(tree.find_all(exp.Rand))) == (text == made.bounding)
    assert "MATERIALIZED" not in "".join(made.statements)
    shown = made.aggregates.upper()
    names = {"duckdb": "DOUBLE", "spark": "STRING", "bigquery": "FLOAT64", "snowflake": "VARCHAR"}
    assert names.get(dialect, "DOUBLE PRECISION") in shown


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=st.sampled_from(HOSTILE) | WORDS)
@settings(max_examples=8, deadline=None)
def test_a_constant_is_nothing_but_itself(dialect, text):
    tree = written(text, dialect)
    assert skeleton(tree) == skeleton(written("x", dialect))
    for literal in tree.find_all(exp.Literal):
        assert not re.search(r"[\x00-\x1f'\"\\`$;{}%?:@/]", str(literal.this))
    condition = max(tree.find_all(exp.Where), key=lambda each: each.find(exp.Cast) is not None)
    assert value_of(condition.find(exp.Cast).this) == text
    if dialect == "spark":  # keys stand in a list there
        assert value_of(tree.find(exp.Array).expressions[0]) == text


def skeleton(tree):
    """A tree without what stands for text."""
    gone = tree.copy()
    for cast in list(gone.find_all(exp.Cast)):
        if cast.is_type("text", "varchar"):
            cast.this.replace(exp.Null())
    for listed in list(gone.find_all(exp.Array, exp.In)):
        listed.set("expressions", [exp.Null() for _ in listed.expressions])
    return gone.sql()


def value_of(node):
    """Put the pieces of a constant together again."""
    if isinstance(node, exp.Paren):
        return value_of(node.this)
    if isinstance(node, exp.DPipe):
        return "".join(value_of(each) for each in node.flatten())
    if isinstance(node, exp.Chr):
        return chr(int(node.expressions[0].this))
    assert isinstance(node, exp.Literal)
    return node.this


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_nothing_but_itself_or_refused(dialect, name):
    plan = ExactAggregation((), (CountRows(name),), None, 1)

    def made():
        source = Source((name, name), name, SourceColumn(Kind.TEXT), {name: SourceColumn(Kind.TEXT)}, name)
        return transpile(plan, source, dialect)

    special = {"spark": r"\$\{", "bigquery": r"[`\\]"}.get(dialect, "\n")
    is_refused = "\n" in name or re.search(special, name)
    if is_refused:
        assert code_of(made).code == "engine.name"
        return
    tree = read_back(made().aggregates, dialect)
    table = next(each for each in tree.find_all(exp.Table) if each.name == name)
    assert (table.name, table.db) == (name, name)
    assert {each.name for each in tree.find_all(exp.Identifier) if each.quoted} - {"C"} == {name}


@pytest.mark.parametrize("name", HOSTILE[:-1])
def test_hostile_names_and_keys_run(name):
    with duckdb.connect(":memory:") as duck:
        duck.register("held", pa.table({name: ["x", name, None], "p": [1, 2, 3]}))
        duck.execute(f'CREATE TABLE "{name.replace(chr(34), chr(34) * 2)}" AS FROM held')
        source = Source((name,), "p", SourceColumn(Kind.WHOLE), {name: SourceColumn(Kind.TEXT)})
        plan = ExactAggregation((KeyDomain(name, (name, "other")),), (CountRows(), CountPeople()), None, 1)
        rows = duck.execute(transpile(plan, source, "duckdb").aggregates).fetchall()
    assert rows == [(0, 1 + (name == "x"), 1 + (name == "x")), (1, 0, 0)]


def test_a_random_order_keeps_so_many_rows_of_each_person_and_not_the_same_ones():
    table = pa.table({"p": [1] * 6 + [2] + [None] * 3, "v": [*range(6), 9, 7, 7, 7]})
    value = SumValues("v", Clamp(Fraction(0), Fraction(9)), 0)
    plan = ExactAggregation((), (CountRows(), value), None, 2, (BinCounts(value, 1),))
    source = Source(("t",), "p", SourceColumn(Kind.WHOLE), {"v": SourceColumn(Kind.WHOLE)})
    made = transpile(plan, source, "duckdb")
    seen = set()
    with duckdb.connect(":memory:") as duck:
        duck.register("t", table)
        for _ in range(40):
            first, aggregates, cells = made.statements
            duck.execute(first)
            [(_, rows, total)] = duck.execute(aggregates).fetchall()
            found = duck.execute(cells).fetchall()
            duck.execute(f"DROP TABLE {made.bounded}")
            assert rows == 3
            # What was kept is the same for every statement.
            assert sum(place * count for _, place, count in found) == total
            seen.add(total)
    # 15 pairs of 6 rows have 9 sums; that 40 draws give 2 or fewer of them has a chance below 1e-15.
    assert len(seen) > 2


@dataclass(frozen=True, slots=True)
class Median:
    column: str = "n"


@dataclass(frozen=True, slots=True)
class Odd(CountRows):
    pass


@dataclass(frozen=True, slots=True)
class Joined(ExactAggregation):
    unions: tuple[str, ...] = ()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("changed", "element"),
    [
        ({"aggregates": (Median(),)}, "Median"),
        ({"aggregates": (Odd("n"),)}, "Odd"),
        ({"where": AllOf((Median(),))}, "Median"),
        ({"where": Compare("=", Median(), Literal(1))}, "Median"),
        ({"histograms": (Median(),)}, "Median"),
        ({"keys": (Median(),)}, "Median"),
        (
            {"histograms": (EdgeCounts(SumValues("n", Clamp(Fraction(0), Fraction(9)), 0), (0, 5)),)},
            "EdgeCounts",
        ),
        ({"lookups": (Median(),)}, "Median"),
        ({"computed": (Computed("x", Median()),)}, "Median"),
        ({"gathering": Median()}, "ExactAggregation.gathering"),
        ({"of_unit": Median()}, "ExactAggregation.of_unit"),
        ({"beside": (Median(),)}, "ExactAggregation.beside"),
        ({"selected": (("a",),)}, "ExactAggregation.selected"),
    ],
)
def test_an_element_that_is_not_known_is_refused_by_name(dialect, changed, element):
    plan = replace(ExactAggregation((), (CountRows(),), None, 1), **changed)
    refused = code_of(lambda: transpile(plan, SOURCE, dialect))
    assert (refused.code, refused.details["element"]) == ("engine.element", element)


def test_a_whole_plan_of_another_kind_and_a_new_field_of_a_known_one_are_refused():
    assert (
        code_of(lambda: transpile(Joined((), (), None, 1, unions=("x",)), SOURCE, "duckdb")).details[
            "element"
        ]
        == "Joined"
    )
    from hedgerow.kernel.transpile import known

    one = known.Known()
    one.part(Joined, "keys", "aggregates", "where", "max_rows", "histograms")
    one.check(Joined((), (), None, 1))
    assert (
        code_of(lambda: one.check(Joined((), (), None, 1, unions=("x",)))).details["element"]
        == "Joined.unions"
    )


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (ExactAggregation((), (CountRows("nobody"),), None, 1), "engine.column-unknown"),
        (
            ExactAggregation((KeyDomain("day", ("1970-01-01", "1970-01-01")),), (CountRows(),), None, 1),
            "engine.key-twice",
        ),
        (ExactAggregation((KeyDomain("n", ("x",)),), (CountRows(),), None, 1), "engine.literal-type"),
        (
            ExactAggregation((), (SumValues("day", Clamp(Fraction(0), Fraction(1)), 0),), None, 1),
            "engine.not-a-number",
        ),
        (
            ExactAggregation((), (SumValues("n", Clamp(Fraction(0), Fraction(2**54)), 0),), None, 1),
            "engine.bounds",
        ),
        (
            ExactAggregation((), (SumValues("fine", Clamp(Fraction(0), Fraction(1)), 18),), None, 1),
            "engine.bounds",
        ),
        (ExactAggregation((KeyDomain('we"ird ünï', ("\0",)),), (CountRows(),), None, 1), "engine.text"),
        (ExactAggregation((KeyDomain("n", tuple(range(16_385))),), (CountRows(),), None, 1), "engine.groups"),
        (ExactAggregation((), (CountRows(),), None, -1), "engine.bounds"),
    ],
)
def test_what_cannot_be_written_is_refused(plan, code):
    assert code_of(lambda: transpile(plan, SOURCE, "snowflake")).code == code


def test_only_engines_that_are_known():
    assert code_of(lambda: transpile(FULL, SOURCE, "oracle")).code == "engine.dialect"


def test_a_lone_surrogate_is_no_key_anybody_has():
    assert "CAST(NULL AS TEXT)" in written("\ud800", "postgres").sql("postgres")
