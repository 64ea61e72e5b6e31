"""An analyst with patience: averaging, differencing, reconstruction work on bare counts, not at the gate.

The analyst knows the credit score of each person of the demo town's agency, which tells people apart, and
wants to know who ever defaulted. Bare counts, exact or with fresh noise that nobody counts, give it away; at
the gate the same questions stop at the budget, which all analysts share. Chances stand where they matter.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import hedgerow as hr
from hedgerow.app.declaring import Asked
from hedgerow.app.demo.town import generate
from hedgerow.kernel.noise import add_laplace, laplace_scale

BUDGET = Fraction(2)
TARGETS = 40


@pytest.fixture(scope="module")
def people():
    """Forty people whom their score tells apart, half of whom defaulted: score and secret bit of each."""
    rows = generate(people=300).tables["credit_agency_scores"].to_pylist()
    seen = {row["score"]: row for row in rows}
    sides = [[row for row in seen.values() if (row["defaults"] > 0) is side] for side in (False, True)]
    return [row for side in sides for row in side[: TARGETS // 2]]


@pytest.fixture
def space(tmp_path, people):
    with hr.create(tmp_path / "space") as made:
        service = made.service
        service.add_purpose("research", "who pays back", "owner", date(2099, 1, 1))
        service.add_principal("ana", ["analyst"])
        service.add_principal("bo", ["analyst"])
        made.collect(
            [{name: row[name] for name in ("consumer_ref", "score", "defaults")} for row in people],
            dataset="scores", subject_key="consumer_ref", purposes={"research": "public-task"},
            keep=["score", "defaults"],
        )  # fmt: skip
        service.declare("scores", Asked(max_rows=1))
        service.allocate("scores", "research", BUDGET)
        yield made


def counted(people, scores):
    return sum(row["score"] in scores and row["defaults"] > 0 for row in people)


def question(scores):
    return f"SELECT COUNT(*) WHERE defaults > 0 AND score IN ({', '.join(map(str, scores))})"


def ask(space, who, scores, epsilon, *, fresh=False):
    answer = space.acting_as(who, purpose="research").query(
        "scores", question(scores), epsilon=epsilon, fresh=fresh
    )
    return answer["rows"][0][0]


def spent(space):
    return {(b["dataset"], b["purpose"]): b["spent"] for b in space.service.budgets("scores")}


def test_averaging_gives_the_truth_back_unless_somebody_counts(space, people):
    scores = [row["score"] for row in people]
    truth, epsilon = counted(people, scores), Fraction(1, 4)
    scale = laplace_scale(1, epsilon)
    bare = add_laplace([truth] * 20_000, 1, epsilon, scale)
    # The mean of so many answers has a standard deviation of 0.04.
    assert round(sum(bare) / len(bare)) == truth
    # Whoever asks the same again, and however often, is told the same: the mean of it is the one answer.
    assert len({ask(space, "ana" if told % 2 else "bo", scores, "0.25") for told in range(12)}) == 1
    assert spent(space) == {("*", "*"): "0.25", ("scores", "research"): "0.25"}
    # Two who work together share one budget: seven more answers that they pay for, and no eighth.
    for told in range(7):
        ask(space, "ana" if told % 2 else "bo", scores, "0.25", fresh=True)
    for who in ("ana", "bo"):
        with pytest.raises(hr.Refused) as caught:
            ask(space, who, scores, "0.25", fresh=True)
        assert caught.value.code == "budget.exhausted"
    assert len({ask(space, who, scores, "0.25") for who in ("ana", "bo")}) == 1


def test_two_counts_that_differ_by_one_person_tell_no_more_than_epsilon(people):
    """Right at most ``e/(1+e)``, 0.73, of the time at a budget of 1; 200 trials pass 0.85 once in 10,000."""
    frame = pa.Table.from_pylist(people)
    declaration = hr.dp.declare(max_rows=1)
    everybody = [row["score"] for row in people]

    def private(scores, budget):
        answer, left = hr.dp.query(
            frame,
            question(scores),
            person="consumer_ref",
            declaration=declaration,
            epsilon="0.5",
            budget=budget,
        )
        return answer.rows[0][0], left

    right = exact = 0
    for row in people * 5:
        others, has = [score for score in everybody if score != row["score"]], row["defaults"] > 0
        exact += (counted(people, everybody) - counted(people, others) > 0) is has
        whole, budget = private(everybody, hr.dp.Budget.of("1"))
        rest, budget = private(others, budget)
        right += (whole - rest > 0) is has
        assert budget.left == 0
    assert exact == len(people) * 5
    assert right / exact < 0.85


def reconstructed(subsets, answers):
    """Least squares over the answers, cut at one half."""
    found, *_ = np.linalg.lstsq(subsets, np.array(answers, dtype=float), rcond=None)
    return found > 0.5


def test_random_subsets_give_everybody_away_unless_somebody_counts(space, people):
    """Forty guesses at the gate are as coins: 34 right happen once in a hundred thousand runs."""
    asked = 4 * TARGETS
    subsets = np.random.default_rng(20260).random((asked, TARGETS)) < 0.5
    secret = np.array([row["defaults"] > 0 for row in people])
    scores = np.array([row["score"] for row in people])
    bare = [counted(people, set(scores[subset].tolist())) for subset in subsets]
    assert (reconstructed(subsets, bare) == secret).all()
    each = str(float(BUDGET / asked))
    told = [ask(space, "ana", scores[subset].tolist(), each) for subset in subsets]
    assert (reconstructed(subsets, told) == secret).sum() < 34
    with pytest.raises(hr.Refused):
        ask(space, "bo", scores.tolist(), each)
