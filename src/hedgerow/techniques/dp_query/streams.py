"""Runs that go on over time, without a workspace: everything is paid at opening."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.noise.running import RunningCount, open_running
from hedgerow.kernel.noise.sparse import AboveThreshold, open_threshold
from hedgerow.model.budget import checked_epsilon
from hedgerow.techniques.dp_query.calls import called


@called("dp.above_threshold")
def above_threshold(
    threshold: int,
    *,
    sensitivity: int,
    epsilon: str | float | Decimal | Fraction,
    budget: Budget,
    yeses: int = 1,
) -> tuple[AboveThreshold, Budget]:
    """Open a run that tells which of many numbers reach a threshold.

    Args:
        threshold: Which numbers to find; public.
        sensitivity: The most one person changes any one number, a whole number of 1 or more.
        epsilon: What the whole run costs, however many noes it says.
        budget: What it is taken from, now.
        yeses: How many times it may say yes.

    Returns:
        The run, whose ``step(exact)`` gives the run after it and an answer, and the budget that is left.

    Raises:
        Refused: ``dp.budget-exhausted``.
        CallerError: ``dp.bad-run`` or ``budget.not-a-number``.

    Guarantee: see ``kernel.noise.sparse``; the numbers and their sensitivity are the caller's word.
    """
    run = open_threshold(threshold, sensitivity, checked_epsilon(epsilon), yeses)
    return run, budget.spend(run.cost)


@called("dp.running_count")
def running_count(
    horizon: int,
    *,
    contribution: int,
    epsilon: str | float | Decimal | Fraction,
    budget: Budget,
) -> tuple[RunningCount, Budget]:
    """Open a run that tells the total so far at every step.

    Args:
        horizon: How many steps there may be; public.
        contribution: The most one person adds up to over all steps together, a whole number of 1 or more.
        epsilon: What the whole run costs.
        budget: What it is taken from, now.

    Returns:
        The run, whose ``step(exact)`` gives the run after it and the noisy total, and the budget that is
        left.

    Raises:
        Refused: ``dp.budget-exhausted``.
        CallerError: ``dp.bad-run`` or ``budget.not-a-number``.

    Guarantee: see ``kernel.noise.running``; the numbers and the contribution are the caller's word.
    """
    run = open_running(horizon, contribution, checked_epsilon(epsilon))
    return run, budget.spend(run.cost)
