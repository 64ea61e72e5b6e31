"""Expressions on columns: which functions there are, read from SQL and written back for people.

What stands here is total: each function has a value, or none, for every row. Division is by constants alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from sqlglot import exp

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
    Term,
    Truth,
)
from hedgerow.kernel.conditions.reading import (
    DEPTH_MAX,
    condition,
    constant,
    name_of,
    only,
)

_TWO: dict[type[exp.Expr], Operation] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_ONE: dict[type[exp.Expr], Operation] = {
    exp.Neg: "negate",
    exp.Abs: "abs",
    exp.Floor: "floor",
    exp.Ceil: "ceil",
}
_SEVERAL: dict[type[exp.Expr], Operation] = {
    exp.Least: "least",
    exp.Greatest: "greatest",
    exp.Coalesce: "coalesce",
}
_OTHERS = (exp.Paren, exp.Round, exp.WidthBucket, exp.Case, exp.If)
_ARITHMETIC: dict[Operation, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}
_DIGITS_MOST = 9
_BUCKET_MOST = 10_000


def is_term(node: exp.Expr | None) -> bool:
    """Tell whether a node is a function of rows of a kind that is worked out here; a bare column is none."""
    return type(node) in {*_TWO, *_ONE, *_SEVERAL} or isinstance(node, _OTHERS) or _is_clamp(node)


def term(node: exp.Expr, depth: int = 0) -> Term:
    """Read a column, a constant or an expression; what is made of constants alone becomes one.

    Args:
        node: A node of the syntax tree.
        depth: How deep it lies.

    Returns:
        The expression.

    Raises:
        Refused: ``dp.sql-unsupported`` for anything else, and for a division by what may be zero.
    """
    if depth > DEPTH_MAX:
        raise hints.EXPRESSION_DEPTH.refusal()
    if isinstance(node, exp.Column):
        return name_of(node)
    if isinstance(node, exp.Null):
        return Fixed(None)
    if isinstance(node, exp.Literal | exp.Boolean):
        return Fixed(constant(node))
    if depth and isinstance(node, exp.AggFunc):
        raise hints.NESTED.refusal()
    if not is_term(node):
        raise hints.of_compared(node).refusal()
    return _term(node, depth + 1)


def _term(node: exp.Expr, depth: int) -> Term:
    kind = type(node)
    if kind in _TWO:
        parts = only(node, hints.EXPRESSION, "this", "expression", "typed", "safe")
        return applied(_TWO[kind], [term(parts.this, depth), term(parts.expression, depth)])
    if kind in _ONE:
        return applied(_ONE[kind], [term(only(node, hints.EXPRESSION, "this").this, depth)])
    if kind in _SEVERAL:
        parts = only(node, hints.EXPRESSION, "this", "expressions", "ignore_nulls")
        return applied(_SEVERAL[kind], [term(part, depth) for part in (parts.this, *parts.expressions)])
    if isinstance(node, exp.Paren):
        return term(only(node, hints.EXPRESSION, "this").this, depth)
    if isinstance(node, exp.Round):
        digits = only(node, hints.ROUNDING, "this", "decimals").args.get("decimals")
        return applied("round", [term(node.this, depth), Fixed(0) if digits is None else term(digits, depth)])
    if isinstance(node, exp.WidthBucket):
        return _width_bucket(node, depth)
    return _clamp(node, depth) if isinstance(node, exp.Anonymous) else _case(node, depth)


def applied(function: Operation, arguments: Sequence[Term]) -> Term:
    """Apply a function, or refuse it where it would not be total; what is made of constants is one.

    Args:
        function: Which one.
        arguments: What it is applied to.

    Raises:
        Refused: ``dp.sql-unsupported``.
    """
    parts = tuple(_number(part) for part in arguments)
    match function, parts:
        case ("+" | "-" | "*" | "/", (left, right)):
            return _arithmetic(function, left, right)
        case ("negate", (inner,)):
            return _fixed(-value_of(inner)) if isinstance(inner, Fixed) else Apply("negate", parts)
        case ("abs" | "floor" | "ceil", (_,)):
            return Apply(function, parts)
        case ("least" | "greatest" | "coalesce", _):
            return _several(function, parts)
        case ("round", (_, places)):
            if (
                not isinstance(places, Fixed)
                or type(places.value) is not int
                or abs(places.value) > _DIGITS_MOST
            ):
                raise hints.ROUNDING.refusal()
            return Apply("round", parts)
        case ("width_bucket", (_, low, high, count)):
            return _bucketed(parts, [low, high, count])
    raise hints.EXPRESSION.refusal()


def _bucketed(parts: tuple[Term, ...], public: Sequence[Term]) -> Term:
    fixed = [part for part in public if isinstance(part, Fixed)]
    if len(fixed) != len(public) or not value_of(fixed[0]) < value_of(fixed[1]):
        raise hints.BUCKETS.refusal()
    count = fixed[2].value
    if type(count) is not int or not 1 <= count <= _BUCKET_MOST:
        raise hints.BUCKETS.refusal()
    return Apply("width_bucket", parts)


def _number(part: Term) -> Term:
    """Refuse text and truth where numbers belong."""
    if isinstance(part, Fixed) and (part.value is None or isinstance(part.value, str | bool)):
        raise hints.NOT_A_NUMBER.refusal()
    return part


def _arithmetic(function: Operation, left: Term, right: Term) -> Term:
    if function == "/" and (not isinstance(right, Fixed) or right.value == 0):
        raise hints.DIVISION.refusal()
    if isinstance(left, Fixed) and isinstance(right, Fixed):
        return _fixed(_ARITHMETIC[function](value_of(left), value_of(right)))
    return Apply(function, (left, right))


def _fixed(value: Fraction) -> Fixed:
    return Fixed(value.numerator if value.denominator == 1 else value)


def value_of(constant: Fixed) -> Fraction:
    """Take a numeric constant as a fraction."""
    if constant.value is None or isinstance(constant.value, str | bool):
        raise hints.NOT_A_NUMBER.refusal()
    return Fraction(constant.value)


def _several(function: Operation, arguments: tuple[Term, ...]) -> Term:
    if len(arguments) < 2 or all(isinstance(part, Fixed) for part in arguments):  # noqa: PLR2004 - two or more
        raise hints.EXPRESSION.refusal()
    if function == "coalesce" and (len(arguments) > 2 or not isinstance(arguments[1], Fixed)):  # noqa: PLR2004
        raise hints.COALESCE.refusal()
    return Apply(function, arguments)


def _is_clamp(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).upper() == "CLAMP"


def _clamp(node: exp.Anonymous, depth: int) -> Term:
    if len(node.expressions) != 3:  # noqa: PLR2004 - value and two bounds
        raise hints.CLAMP.refusal()
    return clamped(*(term(part, depth) for part in node.expressions))


def clamped(inner: Term, low: Term, high: Term) -> Term:
    """Cut to two constants: LEAST(GREATEST(x, lo), hi).

    Args:
        inner: What is cut.
        low: The lower one.
        high: The upper one.
    """
    low, high = _number(low), _number(high)
    if not isinstance(low, Fixed) or not isinstance(high, Fixed) or value_of(low) > value_of(high):
        raise hints.CLAMP.refusal()
    return applied("least", [applied("greatest", [inner, low]), high])


def _width_bucket(node: exp.WidthBucket, depth: int) -> Term:
    wanted = ("this", "min_value", "max_value", "num_buckets")
    parts = only(node, hints.BUCKETS, *wanted)
    if any(parts.args.get(name) is None for name in wanted):
        raise hints.BUCKETS.refusal()
    return applied("width_bucket", [term(parts.args[name], depth) for name in wanted])


def _case(node: exp.Expr, depth: int) -> Term:
    """Read ``CASE WHEN condition THEN value ... ELSE value END`` or ``IF(condition, value, value)``."""
    if isinstance(node, exp.If):
        branches, default = [only(node, hints.CASE, "this", "true", "false")], node.args.get("false")
    else:
        parts = only(node, hints.CASE, "ifs", "default")
        branches, default = (
            [only(one, hints.CASE, "this", "true") for one in parts.args["ifs"]],
            parts.args.get("default"),
        )
    if not 0 < len(branches) <= hints.BRANCHES_MAX:
        raise hints.CASE.refusal()
    return Choose(
        tuple(
            (condition(one.this, depth=depth, operand=term), term(one.args["true"], depth))
            for one in branches
        ),
        Fixed(None) if default is None else term(default, depth),
    )


def names_in(part: Term) -> Iterable[Name]:
    """List the names an expression reads, in its conditions too.

    Args:
        part: Any expression.
    """
    match part:
        case Name():
            yield part
        case Apply(arguments=arguments):
            for one in arguments:
                yield from names_in(one)
        case Choose(branches=branches, otherwise=otherwise):
            for test, value in branches:
                yield from names_in_test(test)
                yield from names_in(value)
            yield from names_in(otherwise)


def names_in_test(test: Condition) -> Iterable[Name]:
    """List the names a condition reads.

    Args:
        test: Any condition.
    """
    match test:
        case Both(parts=parts) | Either(parts=parts):
            for one in parts:
                yield from names_in_test(one)
        case Comparison(column=column) | Member(column=column) | Null(column=column) | Truth(column=column):
            yield from names_in(column)


def renamed(part: Term, meant: Callable[[Name], Term]) -> Term:
    """Put what a name means in its place, everywhere in an expression.

    Args:
        part: Any expression.
        meant: Tells what a name means.
    """
    match part:
        case Name():
            return meant(part)
        case Apply(function=function, arguments=arguments):
            return Apply(function, tuple(renamed(one, meant) for one in arguments))
        case Choose(branches=branches, otherwise=otherwise):
            changed = tuple((renamed_in(test, meant), renamed(value, meant)) for test, value in branches)
            return Choose(changed, renamed(otherwise, meant))
    return part


def renamed_in(test: Condition, meant: Callable[[Name], Term]) -> Condition:
    """Put what a name means in its place, everywhere in a condition.

    Args:
        test: Any condition.
        meant: Tells what a name means.
    """
    match test:
        case Both(parts=parts):
            return Both(tuple(renamed_in(one, meant) for one in parts))
        case Either(parts=parts):
            return Either(tuple(renamed_in(one, meant) for one in parts))
        case Comparison(op=op, column=column, constant=known):
            return Comparison(op, renamed(column, meant), known)
        case Member(column=column, constants=known, is_negated=is_negated):
            return Member(renamed(column, meant), known, is_negated)
        case Null(column=column, is_negated=is_negated):
            return Null(renamed(column, meant), is_negated)
        case Truth(column=column, is_negated=is_negated):
            return Truth(renamed(column, meant), is_negated)


def written(part: Term) -> str:
    """Write an expression for people.

    Args:
        part: Any expression.
    """
    match part:
        case Name(text=text):
            return text
        case Fixed(value=value):
            return _constant(value)
        case Apply(function="negate", arguments=(inner,)):
            return f"-{_inner(inner)}"
        case Apply(function="+" | "-" | "*" | "/" as function, arguments=(left, right)):
            return f"{_inner(left)} {function} {_inner(right)}"
        case Apply(function=function, arguments=arguments):
            return f"{function.upper()}({', '.join(written(one) for one in arguments)})"
        case Choose(branches=branches, otherwise=otherwise):
            whens = " ".join(f"WHEN {_condition(test)} THEN {written(value)}" for test, value in branches)
            default = "" if otherwise == Fixed(None) else f" ELSE {written(otherwise)}"
            return f"CASE {whens}{default} END"


def _condition(test: Condition) -> str:
    match test:
        case Both(parts=parts) | Either(parts=parts):
            joined = " AND " if isinstance(test, Both) else " OR "
            return "(" + joined.join(_condition(one) for one in parts) + ")"
        case Comparison(op=op, column=column, constant=known):
            return f"{written(column)} {op} {_constant(known)}"
        case Member(column=column, constants=known, is_negated=is_negated):
            listed = ", ".join(_constant(one) for one in known)
            return f"{written(column)} {'NOT ' if is_negated else ''}IN ({listed})"
        case Null(column=column, is_negated=is_negated):
            return f"{written(column)} IS {'NOT ' if is_negated else ''}NULL"
        case Truth(column=column, is_negated=is_negated):
            return f"{'NOT ' if is_negated else ''}{written(column)}"


def _inner(part: Term) -> str:
    text = written(part)
    return f"({text})" if isinstance(part, Apply) and part.function in {*_ARITHMETIC, "negate"} else text


def _constant(value: Constant | None) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case int():
            return str(value)
    text = Decimal(value.numerator) / Decimal(value.denominator)
    return format(text, "f") if Fraction(text) == value else f"({value.numerator} / {value.denominator})"
