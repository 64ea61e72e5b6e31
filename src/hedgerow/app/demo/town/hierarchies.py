"""Generalisation hierarchies of Riverside: bands of age, shortened postal codes, sex withheld."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from hedgerow.app.demo.town.words import ZIPS

if TYPE_CHECKING:
    from collections.abc import Mapping

_OLDEST = 120
_OLD = 80  # few are older, so the widest band holds them together

Rows = tuple[tuple[str, ...], ...]


def _band(age: int, width: int) -> str:
    low = age // width * width
    return f"{low}-{low + width - 1}"


def _age_row(age: int) -> tuple[str, ...]:
    widest = f"{_OLD}+" if age >= _OLD else _band(age, 20)
    return str(age), _band(age, 5), _band(age, 10), widest, "*"


HIERARCHIES: Mapping[str, Rows] = MappingProxyType(
    {
        "age": tuple(_age_row(age) for age in range(_OLDEST + 1)),
        "sex": (("F", "*"), ("M", "*"), ("X", "*")),
        "zip": tuple((code, f"{code[:4]}*", f"{code[:3]}**", "*") for code in ZIPS),
    }
)
