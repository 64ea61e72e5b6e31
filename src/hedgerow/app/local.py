"""Surveys with local privacy: making one, reporting for trying, decoding; needs no workspace."""

from __future__ import annotations

import json
import math
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from hedgerow.app.outputs import check_out, write_out
from hedgerow.app.service.base import Progress, quiet
from hedgerow.kernel.local import (
    Client,
    Refusal,
    Survey,
    Tally,
    amplified,
    client_source,
    estimate,
    forecast,
    is_answer,
    worst_odds,
)
from hedgerow.kernel.local.client import HADAMARD, RESPONSE, SKETCH, check_text, strict_json
from hedgerow.kernel.local.drafting import Wish, checked_survey, draft, parse_survey
from hedgerow.kernel.local.tally import outputs_of
from hedgerow.kernel.noise import half_width, laplace_scale
from hedgerow.model.budget import parse_decimal, show_exact
from hedgerow.model.errors import CallerError, Refused

MALFORMED, OF_ANOTHER = "malformed", "of another survey"
_SURVEY_LIMIT_BYTES = 64 << 20
_LINE_LIMIT_BYTES = 1 << 16
_AT_ONCE = 20_000
_LINES_KEPT = 1000
_WIDTH_95 = 1.959964
_MOST_PEOPLE = 10**12
_ENVELOPE_BYTES = len('{"survey": "", "answer": }') + 32


@dataclass(slots=True)
class Refusals:
    """Reports that were not counted: how many, why, and on which lines (the first thousand)."""

    counts: dict[str, int] = field(default_factory=lambda: {MALFORMED: 0, OF_ANOTHER: 0})
    lines: list[int] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        """Note one."""
        self.counts[why] += 1
        if len(self.lines) < _LINES_KEPT:
            self.lines.append(line)

    def as_json(self) -> dict[str, Any]:
        """Render: counts and line numbers, never content."""
        return {"count": sum(self.counts.values()), "why": dict(self.counts), "lines": list(self.lines)}


def make_survey(
    wish: Wish,
    out: Path,
    *,
    force: bool,
    people: int,
    register: Callable[[Survey], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Make a survey and write it to a file.

    Args:
        wish: What is to be asked.
        out: Where it shall stand.
        force: Whether what stands there is replaced.
        people: People whose reports the expected error is told for.
        register: Charges it to a workspace, before the file is written; none where it is in no ledger.

    Returns:
        What ``describe`` returns, with ``out`` and ``ledger``: what ``register`` gave, or none.

    Raises:
        CallerError: ``local.bad-survey``, or what ``check_out`` raises.
    """
    check_out(out, force=force)
    record = draft(wish, secrets.token_hex(32))
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False)
    survey = checked_survey(record)
    told = describe(survey, people=people)
    charged = None if register is None else register(survey)
    write_out(out, f"{text}\n".encode(), force=force)
    return {"out": str(out), **told, "ledger": charged}


def open_survey(path: Path) -> Survey:
    """Read the survey in a file.

    Raises:
        CallerError: ``file.missing``, ``local.bad-survey``.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_SURVEY_LIMIT_BYTES + 1)
    except OSError:
        raise CallerError("file.missing", path=path) from None
    return parse_survey(raw)


def read_values(path: Path) -> list[str]:
    """Read values from a file, one a line.

    Raises:
        CallerError: ``file.missing``, ``local.bad-values``.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise CallerError("local.bad-values", path=path, problem="they are not UTF-8") from None
    except OSError:
        raise CallerError("file.missing", path=path) from None
    values = [line for line in lines if line]
    if not values or len(set(values)) < len(values):
        problem = "one stands twice" if values else "there is none"
        raise CallerError("local.bad-values", path=path, problem=problem)
    return values


def describe(survey: Survey, *, people: int, delta: Fraction | None = None) -> dict[str, Any]:
    """Say what one report tells, and how well counts of many will be known.

    Args:
        survey: The survey.
        people: People who report once each, 1 or more.
        delta: Tell what shuffling adds, but for this chance; none to leave it out.

    Returns:
        Plain values: the survey's terms, ``odds`` and ``sure`` of one report, ``error``, ``within_95``,
        ``collisions``, ``influence``, ``central_within_95``, and ``shuffled`` or none.

    Raises:
        Refused: ``local.no-amplification``, ``local.no-amplification-kept``.
        CallerError: ``local.bad-number``.
    """
    _check_people(people)
    odds, expected = worst_odds(survey), forecast(survey, people)
    central = half_width(laplace_scale(1, survey.epsilon))
    whole = math.hypot(expected.error, expected.collisions)
    return {
        "survey": survey.id,
        "name": survey.name,
        "mechanism": survey.mechanism,
        "epsilon": show_exact(survey.epsilon),
        "reports": survey.reports,
        "epsilon_of_all_reports": show_exact(survey.epsilon * survey.reports),
        "memoise": survey.memoise,
        "values": list(survey.domain),
        "other": survey.other,
        "report_bytes": _ENVELOPE_BYTES + _answer_bytes(survey),
        "odds": _up(odds, 2),
        "sure": _up(odds / (odds + 1), 4),
        "people": people,
        "error": round(expected.error, 1),
        "within_95": math.ceil(_WIDTH_95 * expected.error),
        "within_95_at_worst": math.ceil(_WIDTH_95 * whole),
        "influence": round(expected.influence, 2),
        "central_within_95": central,
        "shuffled": None if delta is None else _shuffled(survey, people, delta),
    }


def _up(value: Fraction, places: int) -> float:
    return float(Fraction(math.ceil(value * 10**places), 10**places))


def _answer_bytes(survey: Survey) -> int:
    if survey.mechanism in (RESPONSE, HADAMARD):
        return len(str(outputs_of(survey) - 1))
    bits = 2 * -(-outputs_of(survey) // 8) + 2
    return bits + len(str(survey.rows - 1)) + 4 if survey.mechanism == SKETCH else bits


def _shuffled(survey: Survey, people: int, delta: Fraction) -> dict[str, Any]:
    if survey.memoise:
        raise Refused("local.no-amplification-kept")
    epsilon = amplified(survey.epsilon, people, delta)
    return {"epsilon": show_exact(epsilon, 4), "delta": format(float(delta), "g"), "people": people}


def parse_chance(text: str, option: str, such: str) -> Fraction:
    """Read a chance in (0, 1) exactly.

    Raises:
        CallerError: ``local.bad-number``.
    """
    value = parse_decimal(text)
    if value is None or not 0 < value < 1:
        raise CallerError("local.bad-number", option=option, range="above 0 and below 1", such=such)
    return value


def _check_people(people: int) -> None:
    if not 1 <= people <= _MOST_PEOPLE:
        told = f"from 1 to {_MOST_PEOPLE:,}"
        raise CallerError("local.bad-number", option="--people", range=told, such="10000")


def encode(survey: Survey, lines: Iterable[str], state: Path | None = None) -> list[dict[str, Any]]:
    """Report the values of lines, as the client does on a person's own device; for trying.

    Args:
        survey: The survey.
        lines: A value each.
        state: A state file, which makes all lines those of one person; without it each is another's.

    Returns:
        The reports.

    Raises:
        CallerError: ``local.bad-value`` with its line, ``local.state``.
        Refused: ``local.used-up``.
    """
    client, reports = Client(survey, state), []
    for number, line in enumerate(lines, 1):
        try:
            reports.append(client.report(line.rstrip("\r\n")))
        except Refusal as refusal:
            if refusal.kind == "used-up":
                raise Refused("local.used-up", reports=survey.reports) from None
            if refusal.kind == "state":
                raise CallerError("local.state", problem=str(refusal)) from None
            raise CallerError("local.bad-value", line=number, problem=str(refusal)) from None
    return reports


def value_lines(path: Path) -> Iterator[str]:
    """Read the lines of a file of values; ``-`` is the input.

    Raises:
        CallerError: ``file.missing``, ``local.bad-value`` where a line is not UTF-8.
    """
    with opened_lines(path) as file:
        number = 0
        while line := file.readline(_LINE_LIMIT_BYTES):
            number += 1
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError:
                raise CallerError("local.bad-value", line=number, problem="it is not UTF-8") from None


def opened_lines(path: Path) -> BinaryIO:
    """Open a file of lines; ``-`` is the input.

    Raises:
        CallerError: ``file.missing``.
    """
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        return path.open("rb")
    except OSError:
        raise CallerError("file.missing", path=path) from None


def decode(
    survey: Survey,
    path: Path,
    candidates: Sequence[str] | None,
    *,
    confidence: Fraction,
    is_joint: bool,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Count the reports in a file of JSON Lines and estimate how many people hold each value.

    Args:
        survey: The survey.
        path: The file, or ``-`` for the input.
        candidates: The values to show, needed for a sketch.
        confidence: A chance in (0, 1).
        is_joint: Whether all intervals shall hold together.
        progress: Told how far it is.

    Returns:
        ``reports`` used, ``refused`` with line numbers, ``confidence``, ``together``, and ``estimates``.

    Raises:
        CallerError: No report can be used, or what ``estimate`` raises.
    """
    tally, refusals = Tally(survey), Refusals()
    with opened_lines(path) as file:
        for some in _batches(_answers(survey, file, refusals)):
            tally.add(some)
            progress(f"{tally.people:,} reports read")
    if not tally.people and refusals.counts[OF_ANOTHER]:
        raise CallerError("local.other-survey", count=refusals.counts[OF_ANOTHER])
    found = estimate(tally, candidates, confidence=confidence, is_joint=is_joint)
    rows = zip(found.values, found.counts, found.errors, found.low, found.high, strict=True)
    return {
        "survey": survey.id,
        "reports": found.people,
        "refused": refusals.as_json(),
        "epsilon": show_exact(survey.epsilon),
        "confidence": format(float(confidence), "g"),
        "together": is_joint,
        "memoise": survey.memoise,
        "reports_of_one_person": survey.reports,
        "estimates": [
            {"value": value, "people": round(count, 1), "error": round(error, 1),
             "low": math.floor(low), "high": math.ceil(high)}
            for value, count, error, low, high in rows
        ],
    }  # fmt: skip


def _answers(survey: Survey, file: BinaryIO, refusals: Refusals) -> Iterator[Any]:
    number = 0
    while line := file.readline(_LINE_LIMIT_BYTES):
        number += 1
        if not line.endswith(b"\n") and len(line) == _LINE_LIMIT_BYTES:
            _skip(file)
            line = b"too long"
        if not line.strip():
            continue
        report = _report_of(line)
        if report is None:
            refusals.add(number, MALFORMED)
        elif report["survey"] != survey.id:
            refusals.add(number, OF_ANOTHER)
        elif not is_answer(survey, report["answer"]):
            refusals.add(number, MALFORMED)
        else:
            yield report["answer"]


def _skip(file: BinaryIO) -> None:
    while (more := file.readline(_LINE_LIMIT_BYTES)) and not more.endswith(b"\n"):
        pass


def _report_of(line: bytes) -> dict[str, Any] | None:
    try:
        report = strict_json(line)
    except (ValueError, RecursionError):
        return None
    is_report = isinstance(report, dict) and set(report) == {"survey", "answer"}
    return report if is_report and isinstance(report["survey"], str) else None


def _batches(answers: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for answer in answers:
        some.append(answer)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def check_candidates(values: Sequence[str], path: Path) -> None:
    """Refuse candidates that are no values.

    Raises:
        CallerError: ``local.bad-values``.
    """
    try:
        for value in values:
            check_text(value)
    except Refusal as refusal:
        raise CallerError("local.bad-values", path=path, problem=str(refusal)) from None


def write_client(out: Path, *, force: bool) -> dict[str, Any]:
    """Write the single-file client.

    Raises:
        CallerError: What ``check_out`` raises.
    """
    check_out(out, force=force)
    source = client_source()
    write_out(out, source, force=force)
    return {"out": str(out), "bytes": len(source)}
