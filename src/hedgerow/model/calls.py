"""The door of the Python face: what a public function takes is looked at before anything is done.

A wrong call is a ``CallerError`` that says what belongs there, not an error from deep inside; and an error
that leaves by a door tells its next step as it is written in Python.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ParamSpec, TypeVar

from hedgerow.model.errors import CallerError, HedgerowError

P = ParamSpec("P")
R = TypeVar("R")
_NEAR = 0.6
_NAME_MAX = 40
_BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Fit:
    """What a parameter takes.

    Args:
        said: In words, such as ``"a budget"``.
        example: As it is written in Python.
        fits: Whether a value is one.
    """

    said: str
    example: str
    fits: Callable[[object], bool]

    def or_none(self) -> Fit:
        """Take none as well."""
        return Fit(self.said, self.example, lambda value: value is None or self.fits(value))


def kind(said: str, example: str, *kinds: type) -> Fit:
    """Take values of some types; true and false are no numbers.

    Args:
        said: In words.
        example: As it is written in Python.
        kinds: The types.

    Returns:
        What fits them.
    """
    takes_truth = bool in kinds

    def fits(value: object) -> bool:
        return isinstance(value, kinds) and (takes_truth or not isinstance(value, bool))

    return Fit(said, example, fits)


TEXT = kind("text", "'...'", str)
WHOLE = kind("a whole number", "1", int)
CLASS_ROWS = kind("a whole number", "5", int)  # k: one row hides nobody
TRUTH = kind("True or False", "True", bool)
LOSS = kind("a number", "0.5", str, int, float, Decimal, Fraction)
MAPPING = kind("a mapping", "{...}", Mapping)


def door(
    call: str, fits: Mapping[str, Fit], *, has_space: bool = False, more: Collection[str] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Look at what a function is called with before it runs.

    Args:
        call: What callers know it by, such as ``"dp.query"``.
        fits: What its parameters take, by name; those that are not named take anything.
        has_space: Whether it works in a workspace, where commands can be typed as well.
        more: What may be given by name to a function that takes any name; none means any.

    Returns:
        What decorates the function: wrong calls raise ``call.*``, and errors tell their next step in Python.
    """

    def add(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError:
                raise _misfit(call, signature, fits, len(args), dict(kwargs)) from None
            if more is not None:
                _check_names(call, [*signature.parameters], more, kwargs)
            given = [*_each(signature, bound.arguments), *(kwargs.items() if more is not None else ())]
            for name, value in given:
                if name in fits and not fits[name].fits(value):
                    written = _written(signature, name, fits)
                    raise CallerError(
                        "call.kind", call=call, name=name, said=fits[name].said, written=written
                    )
            try:
                return function(*args, **kwargs)
            except HedgerowError as error:
                error.tell_in_python(has_space=has_space)
                raise

        return checked

    return add


def _check_names(call: str, known: list[str], more: Collection[str], named: Mapping[str, object]) -> None:
    for name in named:
        if name not in known and name not in more:
            takes = [one for one in known if one not in ("self", "more")]
            raise _unknown(call, name, [*takes, *sorted(more)])


def _unknown(call: str, name: str, known: list[str]) -> CallerError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
    advice = f"Write {near[0]}=" if near else f"It takes {', '.join(known) or 'nothing by name'}"
    return CallerError("call.unknown", call=call, name=name[:_NAME_MAX], advice=advice)


def _each(signature: inspect.Signature, arguments: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Give the arguments by the names of their parameters, those of ``*`` and ``**`` one by one."""
    for name, value in arguments.items():
        how = signature.parameters[name].kind
        if how is inspect.Parameter.VAR_POSITIONAL and isinstance(value, tuple):
            yield from ((name, one) for one in value)
        elif how is inspect.Parameter.VAR_KEYWORD and isinstance(value, dict):
            yield from ((name, one) for one in value.values())
        else:
            yield name, value


def _written(signature: inspect.Signature, name: str, fits: Mapping[str, Fit]) -> str:
    """Write an argument as it belongs into the call."""
    known, example = signature.parameters.get(name), fits[name].example if name in fits else "..."
    how = inspect.Parameter.KEYWORD_ONLY if known is None else known.kind
    if how is inspect.Parameter.VAR_KEYWORD:
        return f"name={example}"
    is_plain = how is not inspect.Parameter.KEYWORD_ONLY and name in fits
    return example if is_plain else f"{name}={example}"


def _misfit(
    call: str, signature: inspect.Signature, fits: Mapping[str, Fit], given: int, named: Mapping[str, object]
) -> CallerError:
    """Say why arguments do not fit a signature: a name it has not, too many, or one too few."""
    known = {name: each for name, each in signature.parameters.items() if name != "self"}
    by_name = [name for name, each in known.items() if each.kind in _BY_NAME]
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values())
    for name in named:
        if name not in by_name and not takes_any:
            return _unknown(call, name, by_name)
    places = list(signature.parameters)[:given]
    for name in by_name:
        if known[name].default is inspect.Parameter.empty and name not in named and name not in places:
            return CallerError("call.missing", call=call, name=name, written=_written(signature, name, fits))
    is_open = [name for name, each in known.items() if each.kind is inspect.Parameter.VAR_KEYWORD]
    wanted = ", ".join([f"{name}=" for name in by_name] + [_written(signature, n, fits) for n in is_open])
    return CallerError("call.too-many", call=call, known=wanted or "nothing")
