"""Merchant category codes as categories that betray nothing.

Guarantee:
    A code that betrays something is never told, nor by a group of such codes alone: it is told as a broad
    group that has harmless codes as well, and those are not told either. Of the rows of each released
    category below ``*``, at most the share asked has such codes.

Source:
    Codes: ISO 18245. What must not show: special categories of the GDPR (Article 9), offences (Article 10),
        and
    habits that cost people their credit or their standing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity import hierarchies
from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.places.merchant_codes import OTHER, RANGES, SECTOR_OF, SENSITIVE
from hedgerow.model.anonymity import Hierarchy
from hedgerow.model.errors import CallerError
from hedgerow.model.places import ANYWHERE, MerchantRule

_CODE = re.compile(r"[0-9]{1,4}", re.ASCII)
_CODES = 10_000


@dataclass(frozen=True, slots=True)
class Categories:
    """What rows are told as.

    Args:
        of_row: Category of each row, -1 where the code is missing.
        labels: Text of each category.
        is_sensitive: Whether each row's code betrayed something.
        unlisted_rows: Rows whose code stands in no table.
        joined: Categories that were joined with their sector or ``*``.
    """

    of_row: Ints = field(repr=False)
    labels: tuple[str, ...]
    is_sensitive: Flags = field(repr=False)
    unlisted_rows: int
    joined: tuple[str, ...]

    @property
    def most_sensitive(self) -> Fraction:
        """Highest share of sensitive rows in a category below ``*``."""
        known = self.of_row >= 0
        rows = np.bincount(self.of_row[known], minlength=len(self.labels)).tolist()
        bad = np.bincount(self.of_row[known & self.is_sensitive], minlength=len(self.labels)).tolist()
        shares = [
            Fraction(b, n)
            for b, n, told in zip(bad, rows, self.labels, strict=True)
            if n and told != ANYWHERE
        ]
        return max(shares, default=Fraction(0))


def _groups() -> dict[int, str]:
    return {code: group for first, last, group in RANGES for code in range(first, last + 1)}


_GROUP_OF = _groups()
_MIXED = frozenset(_GROUP_OF[code] for code in SENSITIVE) | {OTHER}


def code_of(value: object) -> int | None:
    """Read a merchant code.

    Args:
        value: A whole number, or text of one to four digits; spaces around it do not count.

    Returns:
        The code; none for anything else, which is told as ``other``.
    """
    if isinstance(value, bool):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return int(text) if _CODE.fullmatch(text) else None


def group_of(code: int | None) -> str:
    """Give the group of a code; ``other`` for what is in no table.

    Args:
        code: The code, or none.
    """
    return OTHER if code is None else _GROUP_OF.get(code, OTHER)


def told_as(code: int | None, level: str) -> str:
    """Say a code at a level, before rows were counted.

    Args:
        code: The code, or none.
        level: ``code``, ``group`` or ``sector``.

    Returns:
        The four digits only where no code of its group betrays anything.
    """
    group = group_of(code)
    if level == "sector":
        return SECTOR_OF[group]
    return f"{code:04d}" if level == "code" and group not in _MIXED and code is not None else group


def categories(distinct: Sequence[object], of_row: Ints, rule: MerchantRule) -> Categories:
    """Tell merchant codes as categories.

    Args:
        distinct: The codes that stand in the rows, each once; numbers or text.
        of_row: Place of each row's code among them; -1 where it is missing.
        rule: What to tell.

    Returns:
        The categories. Where one was too sensitive, its whole sector is told as one, so that the
        name of the sector does not stand for that group alone.

    Raises:
        CallerError: ``places.merchant-level``.
    """
    if rule.level not in ("code", "group", "sector") or not 0 <= rule.most_sensitive <= 1:
        raise CallerError("places.merchant-level")
    codes = [code_of(value) for value in distinct]
    rows = np.bincount(of_row[of_row >= 0], minlength=len(codes))
    bad = np.asarray([code in SENSITIVE for code in codes], dtype=bool)
    told, joined = _settled(codes, rows, rows * bad, rule)
    labels = sorted(set(told))
    number = np.asarray([*(labels.index(text) for text in told), -1], dtype=np.int64)
    unlisted = np.asarray([code not in _GROUP_OF for code in codes], dtype=bool)
    flags = np.append(bad, False)[of_row]
    return Categories(number[of_row], tuple(labels), flags, int(rows[unlisted].sum()), joined)


def _settled(
    codes: Sequence[int | None], rows: Ints, bad: Ints, rule: MerchantRule
) -> tuple[list[str], tuple[str, ...]]:
    """Join what is too sensitive: categories with their sector, sectors with ``*``."""
    told = [told_as(code, rule.level) for code in codes]
    sectors = [SECTOR_OF[group_of(code)] for code in codes]
    high = _too_sensitive(told, rows, bad, rule)
    coarse = {sector for sector, text in zip(sectors, told, strict=True) if text in high}
    told = [sector if sector in coarse else text for sector, text in zip(sectors, told, strict=True)]
    lost = coarse & _too_sensitive(told, rows, bad, rule)
    joined = tuple(sorted(high | lost))
    while lost:
        told = [ANYWHERE if sector in lost else text for sector, text in zip(sectors, told, strict=True)]
        if ANYWHERE not in _too_sensitive(told, rows, bad, rule) or not set(sectors) - lost:
            break
        lost = lost | {_most_harmless(sectors, lost, rows - bad)}
    return told, joined


def _too_sensitive(told: Sequence[str], rows: Ints, bad: Ints, rule: MerchantRule) -> set[str]:
    """List the categories of whose rows too large a share is sensitive, counted exactly."""
    all_rows, all_bad = Counter[str](), Counter[str]()
    for text, number, sensitive in zip(told, rows.tolist(), bad.tolist(), strict=True):
        all_rows[text] += number
        all_bad[text] += sensitive
    return {text for text, number in all_rows.items() if all_bad[text] > rule.most_sensitive * number}


def _most_harmless(sectors: Sequence[str], lost: set[str], harmless: Ints) -> str:
    """Name the sector, of those still told, that brings most harmless rows."""
    brings = Counter[str]()
    for sector, number in zip(sectors, harmless.tolist(), strict=True):
        if sector not in lost:
            brings[sector] += number
    return max(sorted(brings), key=brings.__getitem__)


def merchant_hierarchy(labels: Sequence[str]) -> Hierarchy:
    """Make the hierarchy of released categories: as told, group, sector, ``*``.

    Args:
        labels: Distinct texts as ``categories`` tells them, at least one.

    Returns:
        The hierarchy. Its lowest level is already free of codes that betray something.
    """
    rows = []
    for text in labels:
        group = text if text in SECTOR_OF else group_of(code_of(text)) if _CODE.fullmatch(text) else text
        rows.append((text, group, SECTOR_OF.get(group, group), ANYWHERE))
    return hierarchies.from_rows(rows)
