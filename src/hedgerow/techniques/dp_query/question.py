"""A query as plain values and back: what is asked without SQL crosses the gate as this, and is checked again.

Every value is a list that begins with what it is. Nothing is taken over unchecked: functions, their arguments
and sizes are held to the rules of SQL text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import cast, get_args

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import (
    Apply,
    Both,
    Choose,
    Comparison,
    Condition,
    Constant,
    Either,
    Fixed,
    Member,
    Name,
    Null,
    Operation,
    Operator,
    Term,
    Truth,
)
from hedgerow.kernel.conditions.reading import DEPTH_MAX
from hedgerow.model.answers import Function
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_query.per_person import FUNCTIONS
from hedgerow.techniques.dp_query.query import (
    Every,
    Gather,
    Having,
    Join,
    KeyOutput,
    NoisyTest,
    Ordering,
    Output,
    PerPerson,
    Query,
    Some,
    StatisticOutput,
)
from hedgerow.techniques.dp_query.statistics import checked
from hedgerow.techniques.dp_query.terms import applied

# No exponents: a short text would make a number of any length.
_NUMBER = re.compile(r"-?[0-9]{1,40}([/.][0-9]{1,40})?", re.ASCII)
_ROWS_SHOWN_MAX = 10**6
_TEXT_MAX = 200_000


def plain(query: Query) -> Json:
    """Write a query as plain values.

    Args:
        query: The query.

    Returns:
        Lists, texts, whole numbers and truth values; exact numbers as text.
    """
    return [
        [_output(one) for one in query.outputs],
        [_term(one) for one in query.group_by],
        None if query.where is None else _condition(query.where),
        None if query.having is None else _having(query.having),
        [[_ordered(by), by.is_descending] for by in query.order_by],
        query.limit,
        *_extra(query),
    ]


def plain_text(query: Query) -> str:
    """Write a query as one text, which the gate takes however deep it is nested.

    Args:
        query: The query.
    """
    return json.dumps(plain(query), ensure_ascii=False, separators=(",", ":"))


def query_of_text(text: object) -> Query:
    """Read a query back from text.

    Args:
        text: What :func:`plain_text` wrote, or anything that claims to be it.

    Returns:
        The query.

    Raises:
        CallerError: ``dp.question-malformed``.
        Refused: As :func:`query_of`.
    """
    if not isinstance(text, str) or len(text) > _TEXT_MAX:
        raise _malformed()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed() from None
    return query_of(value)


def _extra(query: Query) -> list[Json]:
    """What most queries do not have; left out, so that a question asked before is the same one."""
    of = None if query.of is None else _per_person(query.of)
    joins: list[Json] = [_join(one) for one in query.joins]
    return [of, joins] if joins else [] if of is None else [of]


def _join(join: Join) -> Json:
    pairs: list[Json] = [[_term(ours), _term(theirs)] for ours, theirs in join.on]
    return [join.table, pairs, join.keeps_unmatched, join.alias]


def _per_person(of: PerPerson) -> Json:
    columns: list[Json] = [[_term(name), _gathered(what)] for name, what in of.columns]
    kept = (None if test is None else _condition(test) for test in (of.where, of.having))
    return [columns, [_term(one) for one in of.group_by], *kept]


def _gathered(what: Term | Gather) -> Json:
    if not isinstance(what, Gather):
        return _term(what)
    return ["gather", what.function, None if what.column is None else _term(what.column)]


def _constant(value: Constant | None) -> Json:
    if isinstance(value, bool) or value is None:
        return value
    return ["text", value] if isinstance(value, str) else ["number", str(value)]


def _term(term: Term) -> Json:
    match term:
        case Name(text=text, is_quoted=is_quoted):
            return ["name", text, is_quoted]
        case Fixed(value=value):
            return ["fixed", _constant(value)]
        case Apply(function=function, arguments=arguments):
            return ["apply", function, [_term(one) for one in arguments]]
        case Choose(branches=branches, otherwise=otherwise):
            return ["case", [[_condition(test), _term(value)] for test, value in branches], _term(otherwise)]


def _condition(test: Condition) -> Json:
    match test:
        case Both(parts=parts) | Either(parts=parts):
            return ["and" if isinstance(test, Both) else "or", [_condition(one) for one in parts]]
        case Comparison(op=op, column=column, constant=known):
            return ["compare", op, _term(column), _constant(known)]
        case Member(column=column, constants=constants, is_negated=is_negated):
            return ["in", _term(column), [_constant(one) for one in constants], is_negated]
        case Null(column=column, is_negated=is_negated):
            return ["null", _term(column), is_negated]
        case Truth(column=column, is_negated=is_negated):
            return ["truth", _term(column), is_negated]


def _having(part: Having) -> Json:
    match part:
        case Every(parts=parts) | Some(parts=parts):
            return ["and" if isinstance(part, Every) else "or", [_having(one) for one in parts]]
        case NoisyTest(op=op, output=output, constant=known):
            shown = _term(output) if isinstance(output, Name) else _output(output)
            return ["compare", op, shown, _constant(known)]


def _output(output: Output) -> Json:
    if isinstance(output, KeyOutput):
        return ["key", _term(output.column), output.alias]
    column = None if output.column is None else _term(output.column)
    quantile = None if output.quantile is None else str(output.quantile)
    return ["statistic", output.function, column, output.alias, quantile]


def _ordered(by: Ordering) -> Json:
    if isinstance(by.output, int):
        return by.output
    return _term(by.output) if isinstance(by.output, Name) else _output(by.output)


def query_of(value: object) -> Query:
    """Read a query back from plain values.

    Args:
        value: What :func:`plain` wrote, or anything that claims to be it.

    Returns:
        The query.

    Raises:
        CallerError: ``dp.question-malformed``.
        Refused: ``dp.sql-unsupported`` for what SQL text would be refused for.
    """
    given = _list(value)
    outputs, groups, where, having, order, limit = _parts(given[:6], 6)
    of, joins = _extra_of(given[6:])
    is_limit = limit is None or (type(limit) is int and 1 <= limit <= _ROWS_SHOWN_MAX)
    if not is_limit or len(_list(outputs)) > hints.OUTPUTS_MAX:
        raise _malformed()
    shown = tuple(_output_of(one) for one in _list(outputs))
    checked(shown)
    return Query(
        shown,
        tuple(dict.fromkeys(_term_of(one) for one in _list(groups))),
        None if where is None else _condition_of(where),
        tuple(_ordering_of(one, len(shown)) for one in _list(order)),
        cast("int | None", limit),
        None if having is None else _having_of(having),
        of,
        joins,
    )


def _extra_of(given: list[object]) -> tuple[PerPerson | None, tuple[Join, ...]]:
    """Read what stands after the six parts of every query: gathered rows, and joins."""
    of, joins = _parts([*given, *[None] * (2 - len(given))], 2)
    listed = () if joins is None else tuple(_join_of(one) for one in _list(joins))
    return None if of is None else _per_person_of(of), listed


def _join_of(value: object) -> Join:
    table, pairs, keeps_unmatched, alias = _parts(value, 4)
    named = [_parts(one, 2) for one in _list(pairs)]
    on = tuple((_name_of(ours), _name_of(theirs)) for ours, theirs in named)
    return Join(_text(table), on, _flag(keeps_unmatched), None if alias is None else _text(alias))


def _per_person_of(value: object) -> PerPerson:
    columns, groups, where, having = _parts(value, 4)
    named = [_parts(one, 2) for one in _list(columns)]
    if len(named) > hints.OUTPUTS_MAX:
        raise hints.OUTPUTS.refusal()
    read = [(_name_of(name), _gathered_of(what)) for name, what in named]
    if len({name.text for name, _ in read}) != len(read):
        raise _malformed()
    kept = (None if test is None else _condition_of(test) for test in (where, having))
    return PerPerson(tuple(read), tuple(_term_of(one) for one in _list(groups)), *kept)


def _name_of(value: object) -> Name:
    name = _term_of(value)
    if not isinstance(name, Name):
        raise _malformed()
    return name


def _gathered_of(value: object) -> Term | Gather:
    match _tag(value, 0):
        case ("gather", [function, column]):
            of = None if column is None else _shifting(column, 0)
            if function != "count" and of is None:
                raise hints.ONE_COLUMN.refusal()
            return Gather(cast("Function", _one_of(function, FUNCTIONS)), of)
    return _shifting(value, 0)


def _malformed() -> CallerError:
    return CallerError("dp.question-malformed")


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple) or len(value) > hints.LIST_MAX:
        raise _malformed()
    return list(value)


def _parts(value: object, count: int) -> list[object]:
    parts = _list(value)
    if len(parts) != count:
        raise _malformed()
    return parts


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _malformed()
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _malformed()
    return value


def _one_of(value: object, known: Sequence[str]) -> str:
    if value not in known:
        raise _malformed()
    return _text(value)


def _number(text: object) -> Fraction:
    try:
        if _NUMBER.fullmatch(_text(text)):
            return Fraction(_text(text))
    except ZeroDivisionError:
        pass
    raise _malformed()


def _constant_of(value: object) -> Constant | None:
    if value is None or isinstance(value, bool):
        return value
    kind, held = _parts(value, 2)
    if kind == "text":
        return _text(held)
    if kind != "number":
        raise _malformed()
    number = _number(held)
    return number.numerator if number.denominator == 1 else number


def _known(value: object) -> Constant:
    constant = _constant_of(value)
    if constant is None:
        raise hints.NULL.refusal()
    return constant


def _tag(value: object, depth: int) -> tuple[object, list[object]]:
    if depth > DEPTH_MAX:
        raise hints.EXPRESSION_DEPTH.refusal()
    kind, *rest = _list(value) or [None]
    return kind, rest


def _term_of(value: object, depth: int = 0) -> Term:
    match _tag(value, depth):
        case ("name", [text, is_quoted]):
            return Name(_text(text), _flag(is_quoted))
        case ("fixed", [known]):
            return Fixed(_constant_of(known))
        case ("apply", [function, arguments]):
            parts = [_term_of(one, depth + 1) for one in _list(arguments)]
            return applied(cast("Operation", _one_of(function, get_args(Operation))), parts)
        case ("case", [branches, otherwise]):
            pairs = [_parts(one, 2) for one in _list(branches)]
            if not 1 <= len(pairs) <= hints.BRANCHES_MAX:
                raise hints.CASE.refusal()
            read = tuple((_condition_of(test, depth + 1), _term_of(one, depth + 1)) for test, one in pairs)
            return Choose(read, _term_of(otherwise, depth + 1))
    raise _malformed()


def _shifting(value: object, depth: int) -> Term:
    term = _term_of(value, depth + 1)
    if isinstance(term, Fixed):
        raise hints.NO_COLUMN.refusal()
    return term


def _condition_of(value: object, depth: int = 0) -> Condition:
    match _tag(value, depth):
        case ("and" | "or" as kind, [parts]):
            read = tuple(_condition_of(one, depth + 1) for one in _list(parts))
            if not read:
                raise _malformed()
            return Both(read) if kind == "and" else Either(read)
        case ("compare", [op, column, known]):
            return Comparison(_operator(op), _shifting(column, depth), _known(known))
        case ("in", [column, constants, is_negated]):
            listed = tuple(_known(one) for one in _list(constants))
            if not listed:
                raise hints.IN_LIST.refusal()
            return Member(_shifting(column, depth), listed, _flag(is_negated))
        case ("null", [column, is_negated]):
            return Null(_shifting(column, depth), _flag(is_negated))
        case ("truth", [column, is_negated]):
            return Truth(_shifting(column, depth), _flag(is_negated))
    raise _malformed()


def _operator(value: object) -> Operator:
    return cast("Operator", _one_of(value, get_args(Operator)))


def _having_of(value: object, depth: int = 0) -> Having:
    match _tag(value, depth):
        case ("and" | "or" as kind, [parts]):
            read = tuple(_having_of(one, depth + 1) for one in _list(parts))
            if not read:
                raise _malformed()
            return Every(read) if kind == "and" else Some(read)
        case ("compare", [op, shown, known]):
            number = _constant_of(known)
            output = _named_or_statistic(shown)
            if isinstance(number, bool) or not isinstance(number, int | Fraction):
                raise hints.HAVING.refusal()
            return NoisyTest(_operator(op), output, number)
    raise _malformed()


def _named_or_statistic(value: object) -> Name | StatisticOutput:
    if _list(value)[:1] == ["name"]:
        return cast("Name", _term_of(value))
    output = _output_of(value)
    if not isinstance(output, StatisticOutput):
        raise hints.HAVING.refusal()
    checked([output])
    return output


def _output_of(value: object) -> Output:
    match _tag(value, 0):
        case ("key", [column, alias]):
            return KeyOutput(_shifting(column, 0), None if alias is None else _text(alias))
        case ("statistic", [function, column, alias, quantile]):
            known = cast("Function", _one_of(function, get_args(Function)))
            of = None if column is None else _shifting(column, 0)
            portion = None if quantile is None else _number(quantile)
            return StatisticOutput(known, of, None if alias is None else _text(alias), portion)
    raise _malformed()


def _ordering_of(value: object, outputs: int) -> Ordering:
    by, is_descending = _parts(value, 2)
    if isinstance(by, int) and not isinstance(by, bool):
        if not 0 <= by < outputs:
            raise hints.ORDER.refusal()
        return Ordering(by, _flag(is_descending))
    return Ordering(_named_or_statistic(by), _flag(is_descending))
