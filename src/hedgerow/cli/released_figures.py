"""What a release is like, in words: for the command that makes one and for the one that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from hedgerow.cli.screen import table
from hedgerow.model.words import many, percent

_SAID = frozenset({"label", "limits", "statements", "rules"})
_CLASSES = frozenset(
    {"k", "classes", "smallest_class", "suppressed_share", "max_risk", "average_risk", "levels"}
)
_ATTACK = ("attack", "knows", "guesses", "people", "right", "result")


def figures(summary: Mapping[str, Any]) -> str:
    """Word the summary of a release, whatever technique made it.

    Args:
        summary: As the register of releases has it; empty for whom may not see exact risk.
    """
    if not summary:
        return "Its risk is for whoever may see exact risk."
    lines = [f"It is {summary['label']}."] if summary.get("label") else []
    if summary.keys() >= _CLASSES:
        lines += [classes(summary), *generalised(summary), *_models(summary)]
        lines += [*_kept(summary), *_beside(summary)]
    elif "columns" in summary and "alone" in summary:
        lines += _tokens(summary)
    else:
        lines += [f"{_name(key)}: {_plain(value)}" for key, value in summary.items() if _is_told(key, value)]
    lines += [f"  {said}" for said in _sentences(summary)]
    attacks = summary.get("attacks")
    if attacks:
        lines += ["Attacks:", table(_ATTACK, [[each.get(name, "") for name in _ATTACK] for each in attacks])]
    return "\n".join(lines)


def classes(summary: Mapping[str, Any]) -> str:
    """Word how many rows look alike, and how many were dropped."""
    return (
        f"k = {summary['k']}: {many(summary['classes'], 'class', 'classes')}, the smallest of "
        f"{many(summary['smallest_class'], 'row')}; "
        f"{percent(summary['suppressed_share'])} of the rows dropped."
    )


def generalised(summary: Mapping[str, Any]) -> list[str]:
    """Word how far each quasi-identifier was made coarser, and why by which method."""
    reason = summary.get("method_reason")
    return [
        _struck_out(summary) if summary.get("method") == "cells" else _levels(summary),
        *([f"Method: {summary['method']}: {reason}"] if reason else []),
    ]


def _levels(summary: Mapping[str, Any]) -> str:
    levels = ", ".join(f"{column} level {level}" for column, level in summary["levels"].items())
    head = "Generalised, at most" if summary.get("method") == "local" else "Generalised"
    return f"{head}: {levels} (0 is as collected)"


def _struck_out(summary: Mapping[str, Any]) -> str:
    columns = [column for column, level in summary["levels"].items() if not level.startswith("0 ")]
    return f"Struck out in part: {', '.join(columns) or 'nothing'}"


def _models(summary: Mapping[str, Any]) -> list[str]:
    met = [f"{each['model']} (reached {each['reached']})" for each in summary.get("models") or ()]
    return [f"Models: {'; '.join(met)}"] if met else []


def _kept(summary: Mapping[str, Any]) -> list[str]:
    """The risk and what it buys."""
    risk = (
        f"Risk: highest {percent(Fraction(summary['max_risk']))}, "
        f"average {percent(Fraction(summary['average_risk']))}"
    )
    utility = summary.get("utility") or {}
    if "detail_kept" not in utility:
        return [risk]
    each = utility.get("detail_kept_by_column") or {}
    columns = ", ".join(f"{column} {percent(Fraction(share))}" for column, share in each.items())
    return [risk, f"Detail kept: {percent(Fraction(utility['detail_kept']))} ({columns})"]


def _beside(summary: Mapping[str, Any]) -> list[str]:
    """How it stands beside earlier releases of the same people."""
    found = summary.get("repeated")
    if not found or not found.get("releases"):
        return []
    groups, rows = many(found["groups"], "group"), many(found["rows_left_out_for_it"], "row")
    told = f"{groups} of people whom all sort alike, the smallest of {found['smallest_group']}"
    values, moved = found.get("fewest_values_of_a_group"), found.get("people_with_other_values_around")
    told += f", with at least {many(values, 'value')} of each sensitive attribute" if values else ""
    beside = f"; the values around {many(moved, 'person', 'people')} changed" if moved else ""
    return [f"Beside {', '.join(found['releases'])}: {told}; {rows} left out for it{beside}."]


def _tokens(summary: Mapping[str, Any]) -> list[str]:
    rows, people = many(summary["rows"], "row"), many(summary["people"], "person", "people")
    made = [f"  {each['column']}: {each['kind']}" for each in summary["columns"]]
    recipient = summary.get("recipient")
    return [f"{rows} of {people}{f', for {recipient}' if recipient else ''}.", "Columns:", *made]


def _is_told(key: str, value: object) -> bool:
    return key not in _SAID and value not in (None, "", [], {})


def _sentences(summary: Mapping[str, Any]) -> Iterable[str]:
    said = [*(summary.get("statements") or ()), summary.get("limits")]
    return dict.fromkeys(str(each) for each in said if each)


def _name(key: str) -> str:
    return key.replace("_", " ")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(str(key))} {_plain(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
