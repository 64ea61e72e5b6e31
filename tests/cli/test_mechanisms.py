"""Proves Gaussian noise, bounds over groups and found keys from the command line, through gate and ledger."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hedgerow.app.space import open_space
from hedgerow.kernel.accounting import zcdp_epsilon
from hedgerow.model.budget import show_exact

COUNT = "SELECT COUNT(*) FROM visits"
BY_SEX = "SELECT sex, COUNT(*) FROM visits GROUP BY sex"
BY_AGE = "SELECT age, sex, COUNT(*) FROM visits GROUP BY age, sex"
SAID = ("--purpose", "research", "--as", "ana")


@pytest.fixture
def with_delta(space):
    with open_space(space, passphrase=lambda _: None) as made:
        for where in ((None, None), ("visits", "research")):
            made.service.allocate(*where, Fraction(10), Fraction(1, 10**4))
        yield made


def test_a_query_with_gaussian_noise_is_charged_as_rho(with_delta, hedgerow):
    done = hedgerow("query", "visits", COUNT, *SAID, "--rho", "0.02", "--json").json
    assert (done["rho"], "epsilon" in done) == ("1/50", False)
    assert done["half_widths_95"][0][0] == "59", (
        "six rows of one person: 1.96 * 6 / sqrt(2 * 0.02), rounded up"
    )
    shown = hedgerow("query", "visits", COUNT, *SAID, "--rho", "0.02").out
    assert "It costs rho 0.02" in shown
    (account,) = [one for one in with_delta.service.budgets() if one["dataset"] == "visits"]
    once = zcdp_epsilon(Fraction(1, 50), Fraction(1, 2 * 10**4))
    assert account["spent"] == show_exact(once), "the same question is answered from what is stored"
    assert hedgerow("journal", "verify").code == 0


def test_a_budget_without_a_delta_says_what_to_do(space, hedgerow):
    hedgerow("budget", "allocate", "visits", "--purpose", "research", "--epsilon", "4")
    refused = hedgerow("query", "visits", COUNT, *SAID, "--rho", "0.02", code=5)
    assert (
        "budget.no-delta" in hedgerow("query", "visits", COUNT, *SAID, "--rho", "0.02", "--json", code=5).out
    )
    assert "hedgerow budget allocate visits --purpose research --epsilon 4 --delta 1e-6" in refused.err
    hedgerow("budget", "allocate", "visits", "--purpose", "research", "--epsilon", "4", "--delta", "1e-6")
    refused = hedgerow("query", "visits", COUNT, *SAID, "--rho", "0.02", code=5)
    assert "allocate --population --epsilon 10 --delta 1e-6" in refused.err


def test_a_query_costs_one_of_the_two(space, hedgerow):
    hedgerow("query", "visits", COUNT, *SAID, code=2)
    both = hedgerow("query", "visits", COUNT, *SAID, "--rho", "1", "--epsilon", "1", code=2)
    assert "either an epsilon or" in both.err


def test_the_curve_of_rhos(with_delta, hedgerow):
    told = hedgerow("query", "visits", COUNT, *SAID, "--curve", "--rho", "0.02", "--json").json
    assert told["rhos"][0] == "0.0001"
    assert told["outputs"][0]["half_widths_95"][told["rhos"].index("0.02")] == "59"
    assert (
        "* is the rho that was given."
        in hedgerow("query", "visits", COUNT, *SAID, "--curve", "--rho", "0.02").out
    )


def test_bounds_over_groups_are_declared_shown_and_lower_the_noise(with_delta, hedgerow):
    question = ("query", "visits", "SELECT ward, COUNT(*) FROM visits GROUP BY ward", *SAID, "--epsilon", "1")
    before = int(hedgerow(*question, "--json").json["half_widths_95"][0][1])
    hedgerow("dataset", "declare", "visits", "--max-groups", "1", "--max-rows-per-group", "2")
    bound = "at most 6 rows of one person, in at most 1 group, at most 2 rows in any one count"
    assert bound in hedgerow("dataset", "show", "visits").out
    after = hedgerow(*question, "--json").json
    assert int(after["half_widths_95"][0][1]) < before / 2
    assert bound in after["notes"][0]
    hedgerow("dataset", "declare", "visits", "--max-groups", "0", code=2)


def test_keys_are_found_and_charged_with_their_delta(with_delta, hedgerow):
    hedgerow("dataset", "declare", "visits", "--max-groups", "1")
    asked = ("query", "visits", BY_SEX, *SAID, "--epsilon", "6", "--discover-keys", "1e-6")
    done = hedgerow(*asked, "--json").json
    assert {row[0] for row in done["rows"]} == {"F", "M"}
    assert done["delta"] == "1/1000000"
    assert "threshold" in hedgerow(*asked, "--explain").out
    assert hedgerow("journal", "verify").code == 0
    (account,) = [one for one in with_delta.service.budgets() if one["dataset"] == "visits"]
    assert account["delta_spent"] == "1e-6"


def test_what_few_people_share_is_not_shown(with_delta, hedgerow):
    done = hedgerow(
        "query", "visits", BY_AGE, *SAID, "--epsilon", "0.5", "--discover-keys", "1e-6", "--json"
    ).json
    assert done["rows"] == []


def test_without_the_option_keys_are_declared_as_ever(with_delta, hedgerow):
    refused = hedgerow("query", "visits", BY_SEX, *SAID, "--epsilon", "1", code=3)
    assert "keys of sex" in refused.err


def test_bounds_are_found_charged_and_never_applied(with_delta, hedgerow):
    asked = ("dataset", "bounds", "visits", "age", *SAID, "--epsilon", "2", "--request-id", "once")
    before = hedgerow("dataset", "show", "visits").out
    done = hedgerow(*asked)
    assert "--bounds age=" in done.out
    assert hedgerow("dataset", "show", "visits").out == before
    assert hedgerow(*asked, "--json").json["receipt"]["replayed"]
    (account,) = [one for one in with_delta.service.budgets() if one["dataset"] == "visits"]
    assert account["left"] == "8"
    assert "threshold_rows" in hedgerow(*asked, "--explain", "--json").json["plan"]
    assert hedgerow("journal", "verify").code == 0
