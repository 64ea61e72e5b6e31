"""Rules of tokenising read from TOML or JSON values, and written back as canonical JSON values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from hedgerow.model.errors import CallerError
from hedgerow.model.tokens import KINDS, Habit, Rule, Rules, default_of, kind_of
from hedgerow.model.uses import Json
from hedgerow.model.words import near

_MOST_COLUMNS = 4096
_PAIR = 2
_TOP = ("person", "others", "order", "columns")


def parse_text(text: str) -> Rules:
    """Read the text of a rules file.

    Args:
        text: TOML.

    Returns:
        The rules.

    Raises:
        CallerError: ``tokenise.not-toml``, or as ``parse``.
    """
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError):  # also for a number of thousands of digits
        # The parser quotes what it read; a rules file may hold values of people in its tables.
        raise CallerError("tokenise.not-toml") from None
    return parse(given)


def parse(given: Mapping[str, object]) -> Rules:
    """Read rules from plain values, as a TOML file or ``as_json`` gives them.

    Args:
        given: ``columns`` (column to its kind and options), and maybe ``person`` (its ``column``),
            ``others`` (``"drop"`` or ``"refuse"``) and ``order`` (``"keep"`` or ``"shuffle"``).

    Returns:
        The rules.

    Raises:
        CallerError: ``tokenise.rules`` for what is no rules file, ``tokenise.unknown-kind``,
            ``tokenise.option`` for an option that is unknown or does not fit.
    """
    for name in given:
        if name not in _TOP:
            raise _malformed(f"{name} is not one of {', '.join(_TOP)}")
    columns = _columns(given.get("columns"))
    others = given.get("others", "refuse")
    if others not in ("drop", "refuse"):
        raise _malformed('others is "drop" or "refuse"')
    order = given.get("order", "keep")
    if order not in ("keep", "shuffle"):
        raise _malformed('order is "keep" or "shuffle"')
    rules = tuple(_rule(str(name), each) for name, each in columns.items())
    whose = _person(given.get("person"))
    made = Rules(rules, whose, drops_others=others == "drop", shuffles=order == "shuffle")
    if not made.made:
        raise _malformed("every column is dropped")
    return made


def as_json(rules: Rules, *, entries: bool = True) -> dict[str, Json]:
    """Write rules as canonical JSON values; ``parse`` reads them back.

    Args:
        rules: The rules.
        entries: Write the entries of lookups too, which are values.
    """
    return {
        "columns": [[rule.column, rule_json(rule, entries=entries)] for rule in rules.columns],
        "others": "drop" if rules.drops_others else "refuse",
        **({"order": "shuffle"} if rules.shuffles else {}),
        **({} if rules.person is None else {"person": {"column": rules.person}}),
    }


def _columns(given: object) -> Mapping[str, object]:
    """Read the columns, as a table of the file or as the pairs that ``as_json`` writes in their order."""
    if isinstance(given, list) and all(isinstance(each, list) and len(each) == _PAIR for each in given):
        given = {str(name): options for name, options in given}
    if not isinstance(given, Mapping) or not 0 < len(given) <= _MOST_COLUMNS:
        raise _malformed("it names no column under [columns.NAME]")
    return given


def _person(given: object) -> str | None:
    if given is None:
        return None
    named = given.get("column") if isinstance(given, Mapping) and set(given) == {"column"} else None
    if not isinstance(named, str) or not named:
        raise _malformed('[person] holds column = "NAME" and nothing else')
    return named


def _rule(column: str, given: object) -> Rule:
    if not column or not isinstance(given, Mapping):
        raise _malformed("each column is a table: [columns.NAME]")
    options = dict(given)
    kind = options.pop("kind", None)
    source = options.pop("from", column)
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None:
        raise CallerError(
            "tokenise.unknown-kind", column=column, kinds=", ".join(sorted(KINDS)),
            hint=near(kind, KINDS) if isinstance(kind, str) else "",
        )  # fmt: skip
    if not isinstance(source, str) or not source:
        raise CallerError("tokenise.option", column=column, option="from", problem="it names a column")
    if made is Habit:
        pairs = tuple((str(name), _as_text(value)) for name, value in sorted(options.items()))
        return Habit(column, source, str(kind), pairs)
    return made(column, source, **_options(column, made, options))


def _as_text(value: object) -> str:
    """Write an option as one text; a list is joined by commas."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _options(column: str, made: type[Rule], given: Mapping[str, object]) -> dict[str, Any]:
    known = {each.name: each for each in fields(made)[2:]}
    for name in given:
        if name not in known:
            allowed = f"it has {', '.join(known)}" if known else "it has none"
            raise CallerError(
                "tokenise.option", column=column, option=name,
                problem=f"this kind has no such option; {allowed}",
            )  # fmt: skip
    return {
        name: _typed(column, name, str(known[name].type), default_of(known[name]), value)
        for name, value in given.items()
    }


def _typed(column: str, name: str, type_name: str, default: object, value: object) -> object:
    """Hold a value against the type of its option; bounds are the rule's own."""
    if type_name == "Pairs" and isinstance(value, Mapping):
        value = list(value.items())
    reader = _READERS[type_name]
    made = reader(value)
    if made is None and not (value is None and default is None):
        raise CallerError("tokenise.option", column=column, option=name, problem=f"it is {_SAID[type_name]}")
    return made


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _listed(value: object, kind: type) -> tuple[Any, ...] | None:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    items = tuple(cast("Sequence[object]", value)) if is_list else None
    return items if items is not None and all(type(each) is kind for each in items) else None


def _pairs(value: object) -> tuple[tuple[str, str], ...] | None:
    pairs = _listed(value, list) if isinstance(value, list) and value and isinstance(value[0], list) else None
    pairs = pairs if pairs is not None else _listed(value, tuple)
    made = [_listed(each, str) for each in pairs or ()]
    if pairs is None or any(each is None or len(each) != _PAIR for each in made):
        return None
    return tuple(cast("tuple[str, str]", each) for each in made)


_READERS: Mapping[str, Any] = {
    "bool": lambda value: value if isinstance(value, bool) else None,
    "int": _whole,
    "str": _text,
    "str | None": _text,
    "tuple[int, ...]": lambda value: _listed(value, int),
    "tuple[str, ...]": lambda value: _listed(value, str),
    "Pairs": _pairs,
}
_SAID = {
    "bool": "true or false",
    "int": "a whole number",
    "str": "a text",
    "str | None": "a text",
    "tuple[int, ...]": "a list of whole numbers",
    "tuple[str, ...]": "a list of texts",
    "Pairs": "a table of value and label",
}


def rule_json(rule: Rule, *, entries: bool = False) -> dict[str, Json]:
    """Write a rule as canonical JSON values.

    Args:
        rule: The rule.
        entries: Write a lookup's entries too, which are values; else none of them.
    """
    if isinstance(rule, Habit):
        options: dict[str, Json] = dict(rule.options)
    else:
        # Every option, so that what a release was made by does not hang on what a default is today.
        options = {
            each.name: _plain(getattr(rule, each.name))
            for each in fields(rule)[2:]
            if entries or each.name != "entries"
        }
    return {"kind": kind_of(rule), "from": rule.source, **options}


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return cast("Json", value)


def _malformed(problem: str) -> CallerError:
    return CallerError("tokenise.rules", problem=problem)
