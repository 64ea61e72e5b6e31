"""The three error roots and the row that describes each error.

Every error a person can meet is one row in the table of this package: a stable code, who must
act (the root), the exit code, the HTTP status, a message, the next step and a docs anchor.
Messages are templates; what fills them are names the caller wrote (a data set, a column, an
option) or counts known before data was touched, never a person's value.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from hedgerow.model.errors import in_python

Details: TypeAlias = Mapping[str, object]

_QUOTED = frozenset(
    {
        "purpose",
        "dataset",
        "principal",
        "space",
        "out",
        "path",
        "column",
        "columns",
        "release",
        "batch",
        "token",
    }
)

_TOLD_APART = frozenset({"plan", "approval", "could_decide"})


def _nothing(_: Details) -> Details:
    """Derive nothing: most rows are filled by their details alone."""
    return {}


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of the error table.

    Args:
        code: Stable dotted name, for example ``"purpose.unknown"``.
        root: ``"refused"``, ``"caller"`` or ``"fault"``: who must act.
        exit: Exit code of the command line (0 to 255).
        status: HTTP status of the same error.
        message: Template of the one-line message.
        next_step: Template of what to do now.
        derived: Gives what the templates need besides the details, worked out from them.
    """

    code: str
    root: str
    exit: int
    status: int
    message: str
    next_step: str
    derived: Callable[[Details], Details] = _nothing

    @property
    def anchor(self) -> str:
        """The place in ``docs/errors.md`` that explains this row."""
        return "errors.md#" + self.code.replace(".", "-")


class HedgerowError(Exception):
    """The root of everything Hedgerow raises on purpose.

    Args:
        code: A code of the table.
        details: What fills the templates: names and counts, never a person's value.

    Raises:
        KeyError: When the code is not in the table or a template field is missing.
    """

    ROOT: ClassVar[str] = ""
    TABLE: ClassVar[dict[str, ErrorRow]] = {}

    def __init__(self, code: str, **details: object) -> None:
        row = self.TABLE[code]
        if row.root != self.ROOT:
            raise KeyError(f"{code} belongs to {row.root}, not {self.ROOT}")
        self.row = row
        self.details = details
        filled = {**details, **row.derived(details)}
        self.message = row.message.format_map(filled)
        self.next_step = row.next_step.format_map({k: _for_shell(k, v) for k, v in filled.items()})
        super().__init__(self.message)

    def tell_in_python(self, *, has_space: bool) -> None:
        """Tell the next step as it is written in Python; told twice it says the same.

        Args:
            has_space: Whether there is a workspace, where commands can be typed as well.
        """
        step = None if has_space else in_python.WITHOUT_SPACE.get(self.row.code)
        if step is not None:
            declared = in_python.arguments_of(str(self.details.get("command", "")))
            self.next_step = step.format_map({**self.details, "arguments": declared})
        self.message, self.next_step = in_python.worded(self.message), in_python.worded(self.next_step)
        self.args = (self.message,)

    @property
    def code(self) -> str:
        """The stable code."""
        return self.row.code

    def to_problem(self) -> dict[str, object]:
        """Render as an RFC 9457 problem object.

        Returns:
            ``type``, ``title``, ``status``, ``detail``, ``code``, ``exit`` and ``next_step``; and ``plan``,
            where the error asks to confirm one; ``approval``, the id of one that is awaited or spoken of; and
            ``could_decide``, how many people could decide it now.
        """
        more = {name: value for name, value in self.details.items() if name in _TOLD_APART}
        return {
            "type": self.row.anchor,
            "title": self.row.code,
            "status": self.row.status,
            "detail": self.message,
            "code": self.row.code,
            "exit": self.row.exit,
            "next_step": self.next_step,
            **more,
        }

    def __reduce__(self) -> tuple[object, ...]:
        """Support pickling across processes."""
        return (_rebuild, (type(self), self.row.code, self.details))


def _for_shell(name: str, value: object) -> object:
    """Quote what a caller named, so that a printed command works as it stands."""
    return shlex.quote(str(value)) if name in _QUOTED else value


def _rebuild(kind: type[HedgerowError], code: str, details: dict[str, object]) -> HedgerowError:
    return kind(code, **details)


class Refused(HedgerowError):
    """Policy says no: a normal outcome with a reason and a next step."""

    ROOT = "refused"


class CallerError(HedgerowError):
    """The call is malformed: the caller fixes it."""

    ROOT = "caller"


class Fault(HedgerowError):
    """Integrity, the store or a peer failed: an operator acts."""

    ROOT = "fault"


def caller(
    code: str,
    message: str,
    next_step: str,
    exit_code: int = 2,
    status: int = 400,
    derived: Callable[[Details], Details] = _nothing,
) -> ErrorRow:
    """Describe a malformed call (exit 2, HTTP 400 unless told otherwise)."""
    return ErrorRow(code, "caller", exit_code, status, message, next_step, derived)


def refused(
    code: str,
    message: str,
    next_step: str,
    exit_code: int = 3,
    status: int = 403,
    derived: Callable[[Details], Details] = _nothing,
) -> ErrorRow:
    """Describe a refusal (exit 3, HTTP 403 unless told otherwise)."""
    return ErrorRow(code, "refused", exit_code, status, message, next_step, derived)


def fault(code: str, message: str, next_step: str, exit_code: int = 1, status: int = 500) -> ErrorRow:
    """Describe a fault (exit 1, HTTP 500 unless told otherwise)."""
    return ErrorRow(code, "fault", exit_code, status, message, next_step)
