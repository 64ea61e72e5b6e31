"""From counts of reports to how many people hold each value, with intervals.

Everything here is about the people who reported: their values are fixed, and what is random is the client's
randomness and, of a sketch, its seed. Each variance is stated where it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.local.client import HADAMARD, ONE, RESPONSE, SKETCH, Survey
from hedgerow.kernel.local.tally import Numbers, Tally
from hedgerow.model.errors import CallerError

Floats = npt.NDArray[np.float64]
LEAST_PEOPLE = 2
_STEPS, _HALVINGS, _FARTHEST = 400, 80, 1e9


@dataclass(frozen=True, slots=True)
class Estimates:
    """How many of the people who reported hold each value.

    Args:
        values: The values.
        counts: Unbiased estimates in people; noise can take one below 0 or above all.
        errors: Standard errors, in people.
        low: Lower ends of the intervals, in people, none below 0.
        high: Upper ends, none above all.
        people: People who reported.
        confidence: The chance that an interval holds its count; that all of them do, when ``is_joint``.
        is_joint: Whether the chance is that of all intervals together (Bonferroni).
    """

    values: tuple[str, ...]
    counts: tuple[float, ...]
    errors: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    people: int
    confidence: Fraction
    is_joint: bool


def response_chances(survey: Survey) -> tuple[Fraction, Fraction]:
    """Give the exact chances that a value's holder, and that anybody else, counts for it.

    Args:
        survey: A survey of randomised response, unary answers or a sketch.

    Returns:
        Both in (0, 1), the first the larger.
    """
    if survey.mechanism == RESPONSE:
        whole = survey.odds + (len(survey.domain) - 1) * ONE
        return Fraction(survey.odds, whole), Fraction(ONE, whole)
    (own, own_of), (other, other_of) = survey.bit_chances
    return Fraction(own, own_of), Fraction(other, other_of)


def hadamard_chances(survey: Survey) -> tuple[Fraction, Fraction]:
    """Give the exact chances of one output of a value's own half of its block, and of any other output."""
    half = survey.width // 2
    whole = half * survey.odds + (survey.width * survey.blocks - half) * ONE
    return Fraction(survey.odds, whole), Fraction(ONE, whole)


def estimate(
    tally: Tally, candidates: Sequence[str] | None = None, *, confidence: Fraction, is_joint: bool = True
) -> Estimates:
    """Estimate how many people hold each value.

    Args:
        tally: The counted reports, 2 or more.
        candidates: The values to show; needed for a sketch, else all of the domain.
        confidence: A chance in (0, 1).
        is_joint: Whether all intervals shall hold together.

    Returns:
        The estimates, in the order of the candidates.

    Raises:
        CallerError: ``local.too-few``, ``local.no-candidates``, or ``local.unknown-candidate``.

    Guarantee: the estimates are unbiased; the intervals are those of the normal distribution, of a sketch
        those of Student's with one degree less than rows that were reported.
    """
    survey, rows = tally.survey, int(np.count_nonzero(tally.of_row))
    if tally.people < LEAST_PEOPLE or (survey.mechanism == SKETCH and rows < LEAST_PEOPLE):
        raise CallerError("local.too-few", count=tally.people)
    shown = tuple(survey.domain if candidates is None else candidates)
    if not shown:
        raise CallerError("local.no-candidates")
    counts, variances = _moments(tally, shown)
    errors = np.sqrt(variances)
    tail = float((1 - confidence) / 2 / (len(shown) if is_joint else 1))
    reach = errors * (student_quantile(tail, rows - 1) if survey.mechanism == SKETCH else -_NORMAL(tail))
    low, high = (np.clip(end, 0, tally.people) for end in (counts - reach, counts + reach))
    ends = _floats(low), _floats(high)
    return Estimates(shown, _floats(counts), _floats(errors), *ends, tally.people, confidence, is_joint)


_NORMAL = NormalDist().inv_cdf


def _floats(numbers: Floats) -> tuple[float, ...]:
    return tuple(float(each) for each in numbers)


def _moments(tally: Tally, shown: Sequence[str]) -> tuple[Floats, Floats]:
    survey = tally.survey
    if survey.mechanism == SKETCH:
        return _of_sketch(tally, shown)
    places = {value: place for place, value in enumerate(survey.domain)}
    if not set(shown) <= set(places):
        raise CallerError("local.unknown-candidate")
    counts, variances = _of_hadamard(tally) if survey.mechanism == HADAMARD else _of_response(tally)
    chosen = [places[value] for value in shown]
    return counts[chosen], variances[chosen]


def _of_response(tally: Tally) -> tuple[Floats, Floats]:
    """Correct the counts.

    With ``h`` holders of ``n`` the variance is ``(h p(1-p) + (n-h) q(1-q)) / (p-q)**2``.

    Source: Wang, Blocki, Li, Jha 2017, "Locally Differentially Private Protocols for Frequency
        Estimation", equations 1 and 2, for a fixed number of holders.
    """
    own, other = map(float, response_chances(tally.survey))
    people = tally.people
    counts = (tally.counts[0] - people * other) / (own - other)
    holders = np.clip(counts, 0, people)
    spread = holders * own * (1 - own) + (people - holders) * other * (1 - other)
    return counts, spread / (own - other) ** 2


def _of_hadamard(tally: Tally) -> tuple[Floats, Floats]:
    """Correct the differences between the halves of the blocks.

    A report counts +1 or -1 for a value when it lies in the value's block, by the sign of the value's row
    there; on average ``g`` for a holder and 0 for everybody else. So the variance is
    ``(b - h g**2) / g**2`` with ``b`` reports in the block and ``h`` holders.

    Source: Acharya, Sun, Zhang 2019, "Hadamard Response", section 4; the variance is worked out here.
    """
    survey, people = tally.survey, tally.people
    own, other = hadamard_chances(survey)
    half = survey.width // 2
    gain = float(half * (own - other))
    blocks = tally.counts[0].reshape(survey.blocks, survey.width)
    signed = walsh_hadamard(blocks)
    at = np.asarray([survey.hadamard_row(place) for place in range(len(survey.domain))])
    counts = signed[at[:, 0], at[:, 1]] / gain
    # Never fewer than come by chance alone.
    seen = np.maximum(blocks.sum(axis=1)[at[:, 0]], people * float(2 * half * other))
    spread = np.maximum(seen - np.clip(counts, 0, people) * gain**2, 0)
    return counts, spread / gain**2


def walsh_hadamard(lines: Numbers) -> Floats:
    """Transform lines by the Hadamard matrix: its entry is -1 to the number of bits that both indices share.

    Args:
        lines: Shape ``(m, w)``, ``w`` a power of two.

    Returns:
        The same shape.
    """
    changed, width = lines.astype(np.float64), lines.shape[1]
    step = 1
    while step < width:
        paired = changed.reshape(len(lines), -1, 2, step)
        both = np.stack([paired[:, :, 0] + paired[:, :, 1], paired[:, :, 0] - paired[:, :, 1]], axis=2)
        changed, step = both.reshape(len(lines), width), 2 * step
    return changed


def _of_sketch(tally: Tally, shown: Sequence[str]) -> tuple[Floats, Floats]:
    """Take the mean over rows and off it what chance collisions bring, ``1 / buckets`` of everybody.

    The rows are hashed and chosen apart from each other, so that their differences hold all that is random:
    bits, choice of row, collisions. With ``t`` a row's corrected count, ``n`` its reports and ``s`` the whole
    share, the variance of the sum is ``rows / (rows - 1)`` times the sum of ``(t - s n)**2``.

    Source: Apple 2017, "Learning with Privacy at Scale", the count mean sketch; the bits are those of
        optimised unary encoding. The variance is that of a ratio over clusters (Cochran 1977).
    """
    survey, people = tally.survey, tally.people
    own, other = map(float, response_chances(survey))
    rows = np.arange(survey.rows)
    at = np.asarray([[survey.bucket(int(row), value) for row in rows] for value in shown])
    ones = tally.counts[rows, at]
    corrected = (ones - tally.of_row * other) / (own - other)
    sums = corrected.sum(axis=1)
    used = int(np.count_nonzero(tally.of_row))
    spread = ((corrected - np.outer(sums / people, tally.of_row)) ** 2).sum(axis=1) * used / (used - 1)
    stretch = survey.buckets / (survey.buckets - 1)
    return (sums - people / survey.buckets) * stretch, spread * stretch**2


def student_quantile(tail: float, degrees: int) -> float:
    """Find how far Student's distribution lies beyond with a small chance.

    Args:
        tail: The chance above it, in (0, 1/2).
        degrees: Degrees of freedom, 1 or more.

    Returns:
        The quantile, by halving, with the tail as an integral.
    """
    low, high = 0.0, 1.0
    while _student_tail(high, degrees) > tail and high < _FARTHEST:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_tail(middle, degrees) > tail else (low, middle)
    return high


def _student_tail(place: float, degrees: int) -> float:
    """Integrate by Simpson's rule over the angle whose tangent is ``t / sqrt(degrees)``, which is smooth."""
    start = math.atan(place / math.sqrt(degrees))
    angles = np.linspace(start, math.pi / 2, 2 * _STEPS + 1)
    weights = np.ones(2 * _STEPS + 1)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    area = float((np.cos(angles) ** (degrees - 1) * weights).sum()) * (math.pi / 2 - start) / (6 * _STEPS)
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(math.pi) / 2
    return area * math.exp(scale)
