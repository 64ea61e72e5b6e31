"""One attack in words, for the certificate of a release."""

from __future__ import annotations

from fractions import Fraction

from hedgerow.model.auditing import SINGLING_OUT, AttackOutcome
from hedgerow.model.uses import Json
from hedgerow.model.words import percent

_OPEN = "without a control group it is not known how much of it anybody would guess"


def verdict(each: AttackOutcome) -> str:
    """Say what an attack showed, or what it would have seen.

    Args:
        each: How it went.

    Returns:
        Never that a release is safe: "not refuted", with the power there was.
    """
    if each.is_beyond_chance:
        return (
            f"a risk of {percent(each.risk)} was shown (95% interval {rate(each.low)} to {rate(each.high)})"
        )
    if each.detectable is None:
        return "not refuted, but it could not have seen any risk"
    return f"not refuted, with power to see a risk of {rate(each.detectable)} or more"


def row_of(each: AttackOutcome) -> dict[str, Json]:
    """Write an attack as a row of text and no float.

    Args:
        each: How it went.

    Returns:
        What whoever holds the release may rely on: of guesses without a control group no risk is stated.
        ``attack``, ``knows``, ``guesses``, ``people``, ``right``, ``shuffled`` and ``result``.
    """
    is_open = each.is_beyond_chance and not each.controls and each.attack != SINGLING_OUT
    return {
        "attack": each.attack,
        "knows": ", ".join(each.knows),
        "guesses": ", ".join(each.guesses),
        "people": each.people,
        "right": f"{each.right:,} of {each.members:,}",
        "shuffled": f"{each.shuffled_right:,} of {each.members:,}",
        "result": _OPEN if is_open else verdict(each),
    }


def rate(share: float) -> str:
    """Write a rate as a percentage."""
    return percent(Fraction(max(0.0, share)))
