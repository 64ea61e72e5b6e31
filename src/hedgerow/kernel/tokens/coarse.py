"""Ages as bands and postal codes as areas, with the rules of HIPAA for both."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence

HIPAA_TOP_AGE = 90
"""Ages over 89 are one category (45 CFR 164.514(b)(2)(i)(C))."""

HIPAA_LEAST_PEOPLE = 20_000
"""An area of three digits with this many people or fewer is 000 (45 CFR 164.514(b)(2)(i)(B))."""

MAX_AGE = 150


def age_bounds(width: int, top: int, bands: Sequence[int] = ()) -> tuple[int, ...]:
    """List the first ages of the bands.

    Args:
        width: Years of a band, where none are listed.
        top: From this age on all are one band.
        bands: First ages, ascending; else 0, width, 2 width, ...

    Returns:
        First ages below the top, ascending from 0, then the top.
    """
    given = bands or range(0, top, width)
    return tuple(sorted({0, *(first for first in given if first < top), top}))


def age_label(age: int, bounds: Sequence[int]) -> str:
    """Name the band of an age: ``"40-49"``, one year as itself, the last as ``"90+"``.

    Args:
        age: Whole years, from 0.
        bounds: First ages, as ``age_bounds`` gives them.

    Returns:
        The label.

    Source: 45 CFR 164.514(b)(2)(i)(C), where the top is 90.
    """
    place = bisect.bisect_right(bounds, age) - 1
    first = bounds[place]
    if place == len(bounds) - 1:
        return f"{first}+"
    last = bounds[place + 1] - 1
    return str(first) if first == last else f"{first}-{last}"


def sparse_areas(people: Mapping[str, int], least: int = HIPAA_LEAST_PEOPLE) -> frozenset[str]:
    """List the beginnings of postal codes whose areas hold so few people that nothing of them may be left.

    Args:
        people: Beginning of three digits to the people who live there, by the current census.
        least: Largest number that is too few.

    Returns:
        The beginnings.

    Source: 45 CFR 164.514(b)(2)(i)(B).
    """
    return frozenset(area for area, many in people.items() if many <= least)


def zip_label(code: str, digits: int, sparse: Iterable[str] = ()) -> str:
    """Shorten a postal code.

    Args:
        code: The code; blanks and hyphens do not count.
        digits: Characters left.
        sparse: Beginnings that become zeros: of areas with too few people.

    Returns:
        The beginning, or as many zeros.

    Source: 45 CFR 164.514(b)(2)(i)(B), where three digits are left.
    """
    short = _bare(code)[:digits]
    return "0" * digits if short.startswith(tuple(map(_bare, sparse))) else short


def _bare(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()
