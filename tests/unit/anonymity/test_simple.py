"""Proves k-anonymity in one call on every kind of table, candidates to choose from, and the transformer."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import pyarrow as pa
import pytest

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError, Refused

pytestmark = pytest.mark.extra

pl = pytest.importorskip("polars")
pd = pytest.importorskip("pandas")

QUASI = ["age", "zip"]
ZIPS = [[f"10{place}", f"10{place // 3}x", "*"] for place in range(9)]


def columns(rows: int = 120, seed: int = 3) -> dict[str, list]:
    draw = random.Random(seed)
    return {
        "name": [f"n{place}" for place in range(rows)],
        "age": [draw.randrange(20, 60) for _ in range(rows)],
        "zip": [ZIPS[int(9 * draw.random() ** 2)][0] for _ in range(rows)],
        "illness": [draw.choice(["flu", "gout", "none"]) for _ in range(rows)],
    }


def make(frame, **changes):
    asked = {"quasi": QUASI, "k": 4, "hierarchies": {"zip": ZIPS}, "sensitive": ["illness"]} | changes
    return hra.k_anonymise(frame, **asked)


def sizes(frame: dict[str, list]) -> Counter:
    return Counter(zip(*(frame[name] for name in QUASI), strict=True))


def test_a_dict_of_columns_comes_back_as_one():
    made = make(columns())
    assert list(made.frame) == ["age", "zip", "illness"]
    assert made.left_out == ("name",)
    counted = sizes(made.frame)
    assert min(counted.values()) >= 4
    assert len(counted) == made.classes
    assert sum(counted.values()) == made.released_rows == 120 - made.suppressed_rows
    assert made.suppressed_rows <= 6
    assert set(made.levels) == set(QUASI)
    assert made.is_optimal
    assert 0 < made.loss < 1
    assert "n1" not in repr(made)


@pytest.mark.parametrize("kind", [pa.table, pl.DataFrame, pd.DataFrame])
def test_every_kind_of_table_gives_the_same_rows(kind):
    made = make(kind(columns()))
    assert isinstance(made.frame, type(kind({"a": [1]})))
    back = (
        made.frame.to_dict(orient="list")
        if kind is pd.DataFrame
        else dict(made.frame.to_pydict() if kind is pa.table else made.frame.to_dict(as_series=False))
    )
    assert back == make(columns()).frame


def test_the_simple_call_and_the_full_one_agree():
    table = pa.table(columns()).drop_columns(["name"])
    full = hra.k_anonymous(
        table, quasi=QUASI, sensitive=["illness"], k=4, hierarchies={"zip": hra.from_rows(ZIPS)}
    )
    simple = make(table)
    assert simple.frame.equals(full.table)
    assert simple.risk == full.risk


@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_hierarchy_is_read_from_a_file(tmp_path, delimiter):
    path = tmp_path / "zip.csv"
    path.write_text("\n".join(delimiter.join(row) for row in ZIPS))
    for given in (path, str(path), ZIPS, hra.from_rows(ZIPS)):
        assert make(columns(), hierarchies={"zip": given}).frame == make(columns()).frame


def test_numbers_stand_in_rows_of_a_hierarchy_as_they_are():
    rows = [[value, f"{value // 10}0s", "*"] for value in range(20, 60)]
    made = make(columns(), hierarchies={"age": rows, "zip": ZIPS})
    assert made.levels["age"] in (1, 2)


def test_what_cannot_be_read_or_reached_is_refused(tmp_path):
    with pytest.raises(CallerError) as caught:
        make(columns(), hierarchies={"zip": tmp_path / "none.csv"})
    assert caught.value.code == "hierarchies.unreadable"
    with pytest.raises(CallerError) as caught:
        make(columns(), hierarchies={"zip": ZIPS[:4]})
    assert caught.value.code == "anonymity.value-not-in-hierarchy"
    with pytest.raises(CallerError) as caught:
        make(columns(), sensitive=["zip"])
    assert caught.value.code == "anonymity.sensitive-is-quasi"
    with pytest.raises(Refused):
        make(columns(), models=["distinct-l(illness)=4"])
    with pytest.raises(CallerError) as caught:
        make({"age": [1, 2], "zip": [1]})
    assert caught.value.code == "anonymity.no-table"


def test_a_column_that_weighs_more_keeps_more_detail():
    plain = make(columns(), k=10)
    ages = make(columns(), k=10, weights={"age": 50})
    zips = make(columns(), k=10, weights={"zip": 50})
    assert ages.levels["age"] <= plain.levels["age"]
    assert zips.levels["zip"] <= plain.levels["zip"]
    assert ages.levels["age"] < zips.levels["age"]
    assert ages.levels["zip"] > zips.levels["zip"]


def test_weights_that_weigh_alike_change_nothing():
    assert (
        make(columns(), weights={"age": Fraction(2, 3), "zip": "0." + "6" * 3}).levels
        == make(columns()).levels
    )
    assert make(columns(), weights={"age": 3, "zip": 3}).loss == pytest.approx(make(columns()).loss)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"weights": {"age": -1}}, "anonymity.bad-weight"),
        ({"weights": {"age": "much"}}, "anonymity.bad-weight"),
        ({"weights": {"age": 0, "zip": 0}}, "anonymity.bad-weight"),
        ({"weights": {"illness": 1}}, "anonymity.hierarchy-for-no-quasi"),
        ({"mean": "harmonic"}, "anonymity.unknown-mean"),
        ({"most_checks": 0}, "anonymity.no-checks"),
    ],
)
def test_preferences_that_say_nothing_are_refused(asked, code):
    with pytest.raises(CallerError) as caught:
        make(columns(), **asked)
    assert caught.value.code == code


def test_a_search_that_is_cut_short_says_so():
    with pytest.raises(CallerError) as caught:
        make(columns(), most_checks=1)
    assert caught.value.code == "anonymity.search-cut-short"
    best = make(columns(), k=8, suppression=0)
    ends = [make(columns(), k=8, suppression=0, most_checks=checks) for checks in (2, 5, 8, 50)]
    assert not ends[0].is_optimal
    assert ends[-1].is_optimal
    for made in ends:
        assert min(sizes(made.frame).values()) >= 8
        assert made.risk.loss_bound <= best.loss + 1e-12
        assert best.loss <= made.loss + 1e-12
        assert made.is_optimal == (made.risk.loss_bound >= made.loss - 1e-12)


def test_candidates_lie_on_a_curve_and_the_dominated_are_marked():
    found = hra.release_candidates(
        columns(), quasi=QUASI, ks=(2, 5, 10), suppressions=(0, 0.05, "0.2"), hierarchies={"zip": ZIPS}
    )
    assert len(found) == 9
    assert [one.highest_risk for one in found] == sorted(one.highest_risk for one in found)
    for one in found:
        made = make(columns(), k=one.k, suppression=one.limit, sensitive=())
        assert tuple(made.levels.values()) == one.levels
        assert made.loss == pytest.approx(one.loss)
        assert made.risk.prosecutor_max == one.highest_risk <= Fraction(1, one.k)
        assert made.risk.prosecutor_average == one.average_risk
    best = [one for one in found if not one.is_dominated]
    assert 0 < len(best) < 9
    assert [one.loss for one in best] == sorted((one.loss for one in best), reverse=True)


def test_the_transformer_keeps_rows_and_hides_those_outside_its_classes():
    frame = pd.DataFrame(columns())
    fitted = hra.KAnonymizer(quasi=QUASI, k=4, hierarchies={"zip": ZIPS})
    made = fitted.fit_transform(frame)
    assert len(made) == 120
    assert list(made.columns) == list(frame.columns)
    counted = Counter(zip(made["age"], made["zip"], strict=True))
    hidden = counted.pop(("*", "*"), 0)
    assert min(counted.values()) >= 4
    assert hidden == 120 - fitted.released_rows_
    assert len(counted) == fitted.n_classes_
    stranger = fitted.transform(frame.head(3).assign(zip="108", age=[59, 59, 59]))
    assert set(zip(stranger["age"], stranger["zip"], strict=True)) <= {*counted, ("*", "*")}


def test_the_transformer_does_as_scikit_learn_asks():
    base = pytest.importorskip("sklearn.base")
    pipeline = pytest.importorskip("sklearn.pipeline")
    compose = pytest.importorskip("sklearn.compose")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    asked = hra.KAnonymizer(quasi=QUASI, k=4, hierarchies={"zip": ZIPS})
    twin = base.clone(asked)
    assert twin is not asked
    assert twin.get_params() == asked.get_params()
    assert twin.set_params(k=6).k == 6
    with pytest.raises(CallerError):
        twin.set_params(kk=1)
    with pytest.raises(CallerError):
        twin.transform(columns())
    whole = pipeline.make_pipeline(
        asked, compose.make_column_transformer((preprocessing.OneHotEncoder(), QUASI))
    )
    assert whole.fit_transform(pd.DataFrame(columns())).shape[0] == 120
