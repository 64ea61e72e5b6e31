"""Proves that no code which betrays a person is told, alone or by a category that only such codes have."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction

import pyarrow as pa
import pytest

import hedgerow.places as hp
from hedgerow.app.demo.town import generate
from hedgerow.kernel.places.merchant_codes import RANGES, SECTOR_OF, SENSITIVE
from hedgerow.kernel.places.merchants import code_of, group_of, told_as
from hedgerow.model.errors import CallerError

LISTED = sorted({code for first, last, _ in RANGES for code in range(first, last + 1)})


def told(codes, **more) -> list[str | None]:
    return hp.merchants(pa.table({"mcc": codes}), code="mcc", **more).table["merchant_category"].to_pylist()


class TestTable:
    def test_every_group_with_a_sensitive_code_has_many_harmless_ones(self):
        groups = defaultdict(list)
        for code in LISTED:
            groups[group_of(code)].append(code in SENSITIVE)
        mixed = {group: flags for group, flags in groups.items() if any(flags)}
        assert mixed
        assert all(flags.count(False) >= flags.count(True) for flags in mixed.values())

    def test_every_sensitive_code_is_listed_and_every_group_has_a_sector(self):
        assert set(SENSITIVE) <= set(LISTED)
        assert {group_of(code) for code in LISTED} <= set(SECTOR_OF)

    def test_no_name_of_a_category_betrays(self):
        words = "health medic doctor pharm relig church politic union dating adult gambl bet alcohol debt law"
        names = " ".join([*SECTOR_OF, *SECTOR_OF.values()])
        assert [word for word in words.split() if word in names.split()] == []

    @pytest.mark.parametrize("code", sorted(SENSITIVE))
    def test_no_sensitive_code_is_told_at_any_level(self, code):
        assert all(f"{code:04d}" not in told_as(code, level) for level in ("code", "group", "sector"))

    def test_codes_are_told_only_where_no_code_of_the_group_betrays(self):
        shown = {group_of(code) for code in LISTED if told_as(code, "code") == f"{code:04d}"}
        assert shown
        assert not shown & {group_of(code) for code in SENSITIVE}


class TestColumn:
    def test_what_is_in_no_table_is_other_and_not_refused(self):
        made = hp.merchants(pa.table({"mcc": ["5411", "0000", "x", "12345", "", None]}), code="mcc")
        assert made.table["merchant_category"].to_pylist() == [
            "groceries and household",
            *["other"] * 4,
            None,
        ]
        assert made.unlisted_rows == 4

    @pytest.mark.parametrize("values", [["0742", " 742 "], [742, 742], [742.0, 742.0]])
    def test_codes_are_read_as_numbers_or_text(self, values):
        assert told(values, most_sensitive=1) == ["services of many kinds"] * 2
        assert [code_of(value) for value in (True, None, "٣", 742.5)] == [None] * 4

    def test_names_of_merchants_are_not_kept(self):
        table = pa.table({"mcc": ["5411"], "name": ["Riverside Market"], "amount": [1]})
        made = hp.merchants(table, code="mcc", drop=["name"])
        assert made.table.column_names == ["merchant_category", "amount"]

    def test_a_category_of_mostly_sensitive_rows_is_joined_with_its_sector(self):
        codes = ["5912"] * 3 + ["5999"] + ["5411"] * 6  # pharmacies, other shops, groceries
        made = hp.merchants(pa.table({"mcc": codes}), code="mcc")
        assert set(made.table["merchant_category"].to_pylist()) == {"shops"}
        assert made.joined == ("shops of many kinds",)
        assert made.most_sensitive == Fraction(3, 10)
        assert made.sensitive_rows == 3

    def test_a_sector_of_mostly_sensitive_rows_goes_up_with_company(self):
        codes = ["8062"] * 4 + ["5411"] * 6 + ["4111"] * 2  # hospitals, groceries, trams
        made = hp.merchants(pa.table({"mcc": codes}), code="mcc")
        assert Counter(made.table["merchant_category"].to_pylist()) == {"*": 10, "local transport": 2}
        assert made.joined == ("services", "services of many kinds")

    def test_rows_that_are_all_sensitive_tell_nothing(self):
        assert set(told(["8062", "7995"])) == {"*"}

    def test_the_share_is_exact(self):
        codes = ["8062", "7210", "7210"]  # a hospital and laundries
        assert set(told(codes, most_sensitive="1/3")) == {"services of many kinds"}
        assert set(told(codes, most_sensitive="0.3333333333333333")) != {"services of many kinds"}

    @pytest.mark.parametrize(
        "more", [{"level": "shop"}, {"most_sensitive": 2}, {"most_sensitive": "half"}, {"most_sensitive": -1}]
    )
    def test_what_is_no_level_or_share_is_refused(self, more):
        with pytest.raises(CallerError) as caught:
            told(["5411"], **more)
        assert caught.value.code == "places.merchant-level"


def test_the_hierarchy_has_group_sector_and_star():
    ladder = hp.merchant_hierarchy(["5651", "clothing", "services of many kinds", "services", "*", "other"])
    assert ladder.labels[-1] == ("*",)
    levels = [
        [level[group] for group in each] for level, each in zip(ladder.labels, ladder.maps, strict=True)
    ]
    assert levels[0] == ["clothing", "clothing", "services of many kinds", "services", "*", "other"]
    assert levels[1] == ["shops", "shops", "services", "services", "*", "other"]


def test_the_bank_of_the_town_tells_no_pharmacy_and_no_casino():
    books = generate(7, people=200).tables["bank_transactions"]
    made = hp.merchants(books, code="merchant_code", drop=["merchant"], level="code")
    categories = Counter(made.table["merchant_category"].to_pylist())
    assert not {"5912", "7995", "5942"} & categories.keys()  # the bookshop shares the pharmacy's category
    assert {"5651", "4111", "5541"} <= categories.keys()
    assert made.most_sensitive <= Fraction(1, 2)
    assert made.sensitive_rows > 0
