"""The reports of the ledger by privacy loss distributions beside published figures, and what they take.

The reference figures are those of dp-accounting's own accountant and, for DP-SGD, of Opacus' PRV accountant
(2.3917); the extra dp must be installed. The last rows are a ledger of 1,000 queries, as it is reaccounted.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from frame import Row, Sizes, Spent, apart, timed

WITHIN = 0.01
FIGURES = ("DP-SGD, 14,062 steps", "1,000 Laplace", "1,000 Gaussian")
KNOWN = {FIGURES[0]: 2.382, FIGURES[1]: 18.95, FIGURES[2]: 2.922}


def rows(sizes: Sizes) -> Iterator[Row]:
    for name in FIGURES:
        found, first = apart(figure, name)
        off = abs(found / KNOWN[name] - 1)
        yield Row(
            f"epsilon by PLD: {name}",
            f"{found:.4f} in {first}",
            f"reference {KNOWN[name]}",
            found / KNOWN[name],
            "within 1%",
            off <= WITHIN,
            {"epsilon": found, "reference": KNOWN[name], "wall_s": first.wall_s, "cpu_s": first.cpu_s},
        )
    many = sizes.of(1000)
    for kinds in (1, 20):
        sums, pld, first, again = apart(ledger, many, kinds)
        yield Row(
            f"{many:,} queries at {kinds} epsilon(s) accounted anew",
            f"PLD {pld:.3f}, sum {sums:.0f}: {first}, again {again}",
            figures={"epsilon": pld, "sum": sums, "cpu_s": first.cpu_s, "again_cpu_s": again.cpu_s},
        )


def figure(name: str) -> tuple[float, Spent]:
    """Account one workload whose epsilon is published; the library is loaded before."""
    from hedgerow.kernel.accounting.mechanisms import AnyPure, Gaussian, Laplace
    from hedgerow.kernel.accounting.pld import pld_epsilon

    micro = Fraction(1, 10**6)
    runs, delta = {
        FIGURES[0]: ({Gaussian(Fraction("1.1"), Fraction(256, 60_000)): 14_062}, Fraction(1, 10**5)),
        FIGURES[1]: ({Laplace(Fraction(1, 10)): 1000}, micro),
        FIGURES[2]: ({Gaussian(Fraction(50)): 1000}, micro),
    }[name]
    pld_epsilon({AnyPure(Fraction(1)): 1}, micro)
    found: list[Fraction | None] = []
    spent = timed(lambda: found.append(pld_epsilon(runs, delta)))
    return float(found[0] or 0), spent


def ledger(many: int, kinds: int) -> tuple[float, float, Spent, Spent]:
    """Account charges of two noisy vectors each, whose epsilons differ by kind."""
    from hedgerow.kernel.accounting import bounds_of
    from hedgerow.model.budget import LaplaceEvent

    shares = [Fraction(1, 20) + Fraction(kind, 400) for kind in range(kinds)]
    history = [LaplaceEvent.of([(6, share), (420, share)]) for share in (shares * (many // kinds + 1))[:many]]
    delta = Fraction(1, 10**6)
    bounds_of(history[:1], delta)
    found = []
    first = timed(lambda: found.append(bounds_of(history, delta)))
    again = timed(lambda: found.append(bounds_of(history, delta)))
    return float(found[0].total.pure), float(found[0].pld), first, again
