"""Proves kernel and words where ordinary data does not go: bounds, odd types, malformed proofs, growth."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.kernel.accounting import rho_within, zcdp_epsilon
from hedgerow.kernel.aggregation.ranks import NEVER, draw_ranks
from hedgerow.kernel.aggregation.reference import aggregate
from hedgerow.kernel.anonymity.coding import LevelMaps, Tuples
from hedgerow.kernel.anonymity.hierarchies import is_date_text, numbers
from hedgerow.kernel.anonymity.rollup import RollUp
from hedgerow.kernel.merkle import consistency_proof, leaf_hashes, root_of, verify_consistency
from hedgerow.kernel.merkle.note import public_key_from_raw
from hedgerow.kernel.policy.index import CompiledPolicies
from hedgerow.model.budget import parse_decimal
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import Clamp, Column, Compare, CountRows, ExactAggregation, Literal, SumValues
from hedgerow.model.policy import Access, Entity, Match, Rule

ONE = Fraction(1)


class TestAccounting:
    @pytest.mark.parametrize(("rho", "delta"), [(ONE, Fraction(0)), (ONE, ONE), (-ONE, ONE / 2)])
    def test_a_bound_that_means_nothing_is_none(self, rho, delta):
        with pytest.raises(ValueError, match="delta lies in"):
            zcdp_epsilon(rho, delta)

    @pytest.mark.parametrize("epsilon", [Fraction(0), -ONE, Fraction(1, 10**30), ONE, Fraction(10**6)])
    @pytest.mark.parametrize("delta", [Fraction(1, 10**30), Fraction(1, 10**6), Fraction(999, 1000)])
    def test_the_rho_that_is_found_never_passes_epsilon(self, epsilon, delta):
        assert zcdp_epsilon(rho_within(epsilon, delta), delta) <= max(epsilon, 0)

    @pytest.mark.parametrize(
        "text", ["1." + "0" * 63, "1." + "0" * 999, "1e30", "1e-31", "nan", "inf", "one"]
    )
    def test_a_decimal_of_no_ordinary_size_is_none(self, text):
        assert parse_decimal(text) is None


class TestAggregation:
    @pytest.mark.parametrize(
        "person",
        [
            pa.array([1.0, float("nan"), 1.0, None]),
            pa.chunked_array([[1.0, float("nan")], [1.0, None]]),
            pa.array(["a", None, "a", None]).dictionary_encode(),
        ],
    )
    def test_a_row_about_nobody_never_counts(self, person):
        ranks = draw_ranks(person)
        assert sorted(ranks[[0, 2]]) == [0, 1]
        assert list(ranks[[1, 3]]) == [NEVER, NEVER]

    @pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.float64(), pa.decimal128(21, 1)])
    def test_a_dictionary_of_numbers_sums_as_the_numbers_do(self, kind):
        plain = pa.array([1, 2, 9, None], pa.int64()).cast(kind)
        asked = ExactAggregation((), (SumValues("x", Clamp(ONE, 5 * ONE), 0), CountRows("x")), None, 1)
        counted = np.zeros(4, dtype=np.int64)
        for column in (plain, plain.dictionary_encode()):
            assert aggregate(pa.table({"x": column}), counted, asked) == [[8, 3]]

    def test_a_dictionary_of_large_whole_numbers_loses_no_digit(self):
        large = 2**53 + 1
        asked = ExactAggregation((), (SumValues("x", Clamp(-ONE, Fraction(2**54)), 0),), None, 1)
        table = pa.table({"x": pa.array([large, 2]).dictionary_encode()})
        assert aggregate(table, np.zeros(2, dtype=np.int64), asked) == [[large + 2]]

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
    def test_a_text_is_compared_whatever_its_encoding(self, kind):
        where = Compare("=", Column("x"), Literal("a"))
        asked = ExactAggregation((), (CountRows(),), where, 1)
        table = pa.table({"x": pa.array(["a", "b", None, "a"], kind)})
        assert aggregate(table, np.zeros(4, dtype=np.int64), asked) == [[2]]


def _halving() -> LevelMaps:
    """Sixteen values that join by twos."""
    groups = tuple(np.arange(16) >> level for level in range(5))
    return LevelMaps(groups, (16, 8, 4, 2, 1), (np.zeros(16),) * 5)


class TestAnonymity:
    def test_rolling_up_stays_right_when_more_groupings_are_kept_than_there_was_room_for(self):
        codes = tuple(np.array(column) for column in zip(*product(range(16), repeat=3), strict=True))
        tuples = Tuples(codes, np.ones(16**3, dtype=np.int64), np.arange(16**3))
        rolled = RollUp(tuples, [_halving()] * 3, ())
        for node in product(range(5), repeat=3):
            sizes = rolled.at(node).sizes
            assert len(sizes) == 2 ** (12 - sum(node))
            assert set(sizes.tolist()) == {2 ** sum(node)}
        assert len(rolled._groupings) > 64

    @pytest.mark.parametrize(
        ("text", "is_date"), [("2024-03-17", True), ("2024-13-17", False), ("20240317", False), ("", False)]
    )
    def test_a_date_is_told_from_what_looks_like_one(self, text, is_date):
        assert is_date_text(text) is is_date

    def test_one_number_alone_has_a_hierarchy(self):
        assert numbers([7]).values == ("7",)


HASHES = leaf_hashes([b"a", b"b", b"c", b"d", b"e"])
ROOTS = [root_of(HASHES[:size]) for size in range(6)]


class TestConsistency:
    @pytest.mark.parametrize("old", [1, 2, 3, 4])
    def test_no_proof_is_not_a_proof(self, old):
        verify_consistency(old, 5, ROOTS[old], ROOTS[5], consistency_proof(old, HASHES))
        with pytest.raises(Fault):
            verify_consistency(old, 5, ROOTS[old], ROOTS[5], [])

    @pytest.mark.parametrize(
        ("old", "new", "root", "more"),
        [
            (3, 5, ROOTS[3][:-1], []),
            (3, 5, ROOTS[3], [b"short"]),
            (6, 5, ROOTS[5], []),
            (-1, 5, ROOTS[0], []),
            (5, 5, ROOTS[5], [ROOTS[1]]),
            (0, 5, ROOTS[1], []),
        ],
    )
    def test_malformed_sizes_roots_and_hashes_fail(self, old, new, root, more):
        given = consistency_proof(old, HASHES) if 0 < old < new else []
        with pytest.raises(Fault):
            verify_consistency(old, new, root, ROOTS[5], [*given, *more])

    @pytest.mark.parametrize("length", [0, 31, 33])
    def test_a_key_of_another_length_is_refused(self, length):
        with pytest.raises(CallerError) as caught:
            public_key_from_raw(bytes(length))
        assert caught.value.code == "key.malformed"


def _decided(**heads) -> bool:
    fits = {"principal": Match(), "action": Match(), "resource": Match(), **heads}
    rule = Rule("a", "permit", fits["principal"], fits["action"], fits["resource"], ())
    access = Access("ann", frozenset({"analyst"}), "query", "Dataset", "visits", {})
    return CompiledPolicies((rule,)).decide(access).allowed


class TestHeads:
    def test_a_head_that_asks_for_nothing_fits(self):
        assert _decided()

    @pytest.mark.parametrize(
        "head",
        [
            {"action": Match(entity_type="User")},
            {"action": Match(equals=Entity("User", "query"))},
            {"action": Match(within=(Entity("Action", "release"),))},
            {"principal": Match(entity_type="Role")},
            {"principal": Match(equals=Entity("Role", "ann"))},
            {"principal": Match(within=(Entity("Role", "auditor"), Entity("User", "bob")))},
        ],
    )
    def test_an_entity_of_another_type_or_name_never_fits(self, head):
        assert not _decided(**head)


@pytest.mark.parametrize(
    "error", [Refused("purpose.unknown", purpose="x"), CallerError("key.malformed", reason="r")]
)
def test_an_error_crosses_to_another_process_whole(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - written one call earlier
    assert (type(again), again.code, again.message, again.next_step) == (
        type(error),
        error.code,
        error.message,
        error.next_step,
    )
