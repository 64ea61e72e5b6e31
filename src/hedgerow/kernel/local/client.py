"""Answer a survey with local differential privacy: one file, no dependencies, Python 3.9 or newer.

Copy this file into any program and call it, or run it:

    from local_client import Client, read_survey
    client = Client(read_survey("survey.json"), state="answered.json")
    report = client.report("Mill Street")      # a small object: send it as JSON

    echo 'Mill Street' | python local_client.py survey.json --state answered.json

What a report promises: whatever the person's value is, each report is at most e**epsilon times as likely
as with any other value. Every choice is made by whole numbers from the operating system's randomness;
e**epsilon is rounded down to a whole number of 2**-32, so that the odds are never above those stated.

What it does not: that somebody reported, and when, stays visible. Two reports of one person tell twice as
much; with a state file this client stops at the number of reports that the survey allows, without one it
cannot.

Exit codes: 0 a report was printed, 2 wrong usage, 3 refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sys
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

SURVEY_FORMAT, STATE_FORMAT = "hedgerow/local-survey/v1", "hedgerow/local-state/v1"
RESPONSE, UNARY, OPTIMISED = "randomised-response", "unary", "optimised-unary"
HADAMARD, SKETCH = "hadamard", "count-mean-sketch"
OWN_FIELDS = {
    RESPONSE: ("domain", "other"),
    UNARY: ("domain", "other"),
    OPTIMISED: ("domain", "other"),
    HADAMARD: ("blocks", "domain", "other"),
    SKETCH: ("buckets", "rows", "seed"),
}
FIELDS = ("epsilon", "format", "mechanism", "memoise", "name", "reports")
ONE, WORDS, WORD_BYTES = 1 << 32, 1 << 64, 8
LEAST_EPSILON, MOST_EPSILON = Fraction(1, 100), Fraction(10)
LEAST_VALUES, MAX_VALUES, MAX_BITS, MAX_TEXT, MAX_REPORTS = 2, 65_536, 4096, 256, 10_000
LEAST_ROWS, MOST_ROWS, LEAST_BUCKETS = 16, 1024, 16
MAX_FILE_BYTES, ID_LETTERS, SEED_LETTERS = 64 << 20, 32, 64
OK, USAGE, REFUSED = 0, 2, 3
_EPSILON = re.compile(r"(0|[1-9][0-9]?)(\.[0-9]{1,6})?")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_HEX = re.compile(r"[0-9a-f]+")

# Whatever JSON holds, before it was looked at.
Json = Any


class Refusal(ValueError):
    """No report is given, with the reason; it never holds the value.

    Args:
        kind: ``"survey"``, ``"value"``, ``"used-up"`` or ``"state"``.
        reason: One clause for a person.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Source:
    """The operating system's randomness, asked for whole numbers only."""

    def chance(self, part: int, whole: int) -> bool:
        """Say yes with probability ``part / whole``, exactly."""
        return secrets.randbelow(whole) < part

    def below(self, bound: int) -> int:
        """Draw a whole number from 0 to ``bound - 1``, each equally likely."""
        return secrets.randbelow(bound)

    def chances(self, part: int, whole: int, count: int) -> list[bool]:
        """Say yes with probability ``part / whole``, many times over, each alone; quicker than ``chance``."""
        said: list[bool] = []
        # The last words, which do not fill a round of whole numbers, are drawn again.
        end = WORDS // whole * whole
        while len(said) < count:
            words = array("Q", secrets.token_bytes(WORD_BYTES * (count - len(said))))
            said += [word % whole < part for word in words if word < end]
        return said


SYSTEM = Source()


def odds_below(epsilon: Fraction) -> int:
    """Give ``e**epsilon`` in whole numbers of 2**-32, rounded down.

    Args:
        epsilon: Exact, from 0 to 10.

    Returns:
        ``N`` with ``N / 2**32 <= e**epsilon``: every term of the exponential series is positive, so that
        each of its partial sums lies below the whole.
    """
    term = total = Fraction(1)
    count = 0
    while count < 2 * epsilon or term * (ONE << 64) > 1:
        count += 1
        term = term * epsilon / count
        total += term
    return int(total * ONE)


class Survey:
    """A public survey, checked: what is asked, how answers are randomised, what a report may tell.

    Args:
        record: The survey as read from JSON.

    Raises:
        Refusal: ``survey``: it is not one that this client can answer as it promises.
    """

    def __init__(self, record: Json) -> None:
        _need(isinstance(record, dict), "it is not a JSON object")
        _need(record.get("format") == SURVEY_FORMAT, f"its format is not {SURVEY_FORMAT}")
        self.mechanism: str = record.get("mechanism")
        _need(
            isinstance(self.mechanism, str) and self.mechanism in OWN_FIELDS, "its mechanism is not one known"
        )
        known = {*FIELDS, *OWN_FIELDS[self.mechanism]}
        _need(known - {"other"} <= set(record) <= known, "its fields are not those of its mechanism")
        self.name: str = record["name"]
        _need(isinstance(self.name, str) and bool(_NAME.fullmatch(self.name)), "its name is not a plain one")
        self.epsilon = epsilon_of(record["epsilon"])
        self.reports = _whole(record["reports"], 1, MAX_REPORTS, "its number of reports")
        self.memoise: bool = record["memoise"]
        _need(isinstance(self.memoise, bool), "memoise is not true or false")
        self.domain = _domain(record.get("domain")) if "domain" in known else ()
        self.other: str | None = record.get("other")
        is_there = "other" not in record or self.other in self.domain
        _need(is_there, "the value that stands for all others is not in its domain")
        self._take_sizes(record)
        canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.id: str = hashlib.sha256(canonical.encode("utf-8")).hexdigest()[:ID_LETTERS]
        self._places = {value: place for place, value in enumerate(self.domain)}
        self.odds = odds_below(self.epsilon / 2 if self.mechanism == UNARY else self.epsilon)

    def _take_sizes(self, record: Json) -> None:
        self.rows = self.buckets = self.blocks = 0
        self.seed = b""
        if self.mechanism == SKETCH:
            self.rows = _whole(record["rows"], LEAST_ROWS, MOST_ROWS, "its number of rows")
            self.buckets = _power(record["buckets"], LEAST_BUCKETS, MAX_BITS, "its number of buckets")
            seed = record["seed"]
            is_seed = isinstance(seed, str) and len(seed) == SEED_LETTERS and bool(_HEX.fullmatch(seed))
            _need(is_seed, "its seed is not 64 hexadecimal letters")
            self.seed = bytes.fromhex(seed)
        elif self.mechanism == HADAMARD:
            self.blocks = _power(record["blocks"], 1, len(self.domain), "its number of blocks")
        elif self.mechanism != RESPONSE:
            _need(len(self.domain) <= MAX_BITS, f"it has more than {MAX_BITS} values for this mechanism")

    @property
    def width(self) -> int:
        """The outputs in one block of the Hadamard response: a power of two above its number of values."""
        return 1 << (-(-len(self.domain) // self.blocks)).bit_length()

    @property
    def bit_chances(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The chances, part and whole, that the person's own bit and that any other bit is sent as 1."""
        own = (self.odds, self.odds + ONE) if self.mechanism == UNARY else (1, 2)
        return own, (ONE, self.odds + ONE)

    def place(self, value: str) -> int:
        """Find a value in the domain, or the place of the value that stands for all others.

        Raises:
            Refusal: ``value``: it is not there.
        """
        place = self._places.get(value, self._places.get(self.other or ""))
        if place is None:
            raise Refusal("value", "the survey does not have this value")
        return place

    def hadamard_row(self, place: int) -> tuple[int, int]:
        """Give the block of a value and its row of the Hadamard matrix there; row 0 is nobody's."""
        return place % self.blocks, 1 + place // self.blocks

    def bucket(self, row: int, value: str) -> int:
        """Hash a value into one row of the sketch."""
        text = b"hedgerow/local-sketch/v1\0" + self.seed + row.to_bytes(2, "big") + value.encode("utf-8")
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") & (self.buckets - 1)


def epsilon_of(text: Json) -> Fraction:
    """Read an epsilon exactly.

    Raises:
        Refusal: ``survey``: it is not a decimal text from 0.01 to 10 with at most six places.
    """
    is_plain = isinstance(text, str) and bool(_EPSILON.fullmatch(text))
    epsilon = Fraction(text) if is_plain else Fraction(0)
    is_fit = LEAST_EPSILON <= epsilon <= MOST_EPSILON
    _need(is_fit, "its epsilon is not a decimal text from 0.01 to 10 with at most six places")
    return epsilon


def check_text(value: Json) -> None:
    """Refuse what is no value: 1 to 256 characters, none of them a control character.

    Raises:
        Refusal: ``value``.
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise Refusal("value", f"a value is a text of 1 to {MAX_TEXT} characters")
    if any(letter < " " or letter == "\x7f" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise Refusal("value", "a value holds no line break and no other control character")


def randomise(survey: Survey, value: str, source: Source = SYSTEM) -> Json:
    """Draw one randomised answer.

    Args:
        survey: The survey.
        value: The person's true value.
        source: Where chances come from; the operating system.

    Returns:
        A whole number (randomised response, Hadamard), bits in hexadecimal (unary), or row and bits (sketch).

    Raises:
        Refusal: ``value``.

    Guarantee:
        For any two values and any answer, its chances differ by a factor of at most ``e**epsilon``.
    """
    check_text(value)
    if survey.mechanism == SKETCH:
        row = source.below(survey.rows)
        return [row, _bits(survey, survey.buckets, survey.bucket(row, value), source)]
    place = survey.place(value)
    if survey.mechanism == RESPONSE:
        return _respond(survey, place, source)
    if survey.mechanism == HADAMARD:
        return _hadamard(survey, place, source)
    return _bits(survey, len(survey.domain), place, source)


def _respond(survey: Survey, place: int, source: Source) -> int:
    """Tell the truth with odds of e**epsilon to one against each other value."""
    others = len(survey.domain) - 1
    if source.chance(survey.odds, survey.odds + others * ONE):
        return place
    drawn = source.below(others)
    return drawn + (drawn >= place)


def _bits(survey: Survey, count: int, place: int, source: Source) -> str:
    """Send one bit for each place, each drawn alone; the bits are filled up to whole bytes with zeros."""
    own, other = survey.bit_chances
    bits = source.chances(*other, count - 1)
    bits.insert(place, source.chance(*own))
    length = -(-count // 8)
    text = "".join("1" if bit else "0" for bit in bits).ljust(8 * length, "0")
    return int(text, 2).to_bytes(length, "big").hex()


def _hadamard(survey: Survey, place: int, source: Source) -> int:
    """Send an output of the value's half of its block with odds of e**epsilon to one against any other."""
    width, (block, row) = survey.width, survey.hadamard_row(place)
    half, everything = width // 2, width * survey.blocks
    if source.chance(half * survey.odds, half * survey.odds + (everything - half) * ONE):
        return block * width + _member(source.below(half), row, 0)
    drawn = source.below(everything - half)
    if drawn < half:
        return block * width + _member(drawn, row, 1)
    drawn -= half
    return drawn + width if drawn >= block * width else drawn


def _member(index: int, row: int, sign: int) -> int:
    """Give the output of an index among those where the row of the matrix has a sign (0: plus, 1: minus)."""
    low = row & -row
    output = index // low * 2 * low + index % low
    shared = bin(row & output).count("1")  # noqa: FURB161 - Python 3.9 has no count of bits
    return output | low if shared % 2 != sign else output


class Client:
    """Answers one survey for one person.

    Args:
        survey: The survey.
        state: A file of this person that counts reports, and keeps answers where the survey wants that; it
            holds what would tell the person's values, and is readable by its owner alone.
    """

    def __init__(self, survey: Survey, state: str | os.PathLike[str] | None = None) -> None:
        self.survey = survey
        self.state = None if state is None else os.fspath(state)

    def report(self, value: str) -> dict[str, Any]:
        """Give a report of a value.

        Args:
            value: The person's true value, compared letter by letter.

        Returns:
            ``survey`` and ``answer``: what is sent, as JSON.

        Raises:
            Refusal: The value is none of the survey, the allowed reports were all given, or the state file
                is missing where answers are kept, cannot be read, or is in use.
        """
        check_text(value)
        if self.survey.mechanism != SKETCH:
            self.survey.place(value)
        if self.state is None and self.survey.memoise:
            raise Refusal("state", "this survey keeps answers, for which it needs a state file")
        is_counted = self.state is not None
        answer = self._counted(value, str(self.state)) if is_counted else randomise(self.survey, value)
        return {"survey": self.survey.id, "answer": answer}

    def _counted(self, value: str, path: str) -> Json:
        """Count first, then give: a report that was cut off counts, too."""
        lock = path + ".lock"
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            reason = f"another program reports, or one was cut off: delete {lock} if none runs"
            raise Refusal("state", reason) from None
        except OSError:
            raise Refusal("state", "the state file cannot be written") from None
        try:
            return self._kept_or_new(value, path)
        finally:
            Path(lock).unlink()

    def _kept_or_new(self, value: str, path: str) -> Json:
        state = _read_state(path)
        own = state["surveys"].setdefault(self.survey.id, {"used": 0, "kept": {}})
        # Values that are randomised alike share an answer.
        alike = value if self.survey.mechanism == SKETCH else self.survey.domain[self.survey.place(value)]
        key = hashlib.sha256((state["salt"] + alike).encode("utf-8")).hexdigest()
        if self.survey.memoise and key in own["kept"]:
            return own["kept"][key]
        if own["used"] >= self.survey.reports:
            raise Refusal("used-up", f"this person gave the {self.survey.reports} that the survey allows")
        answer = randomise(self.survey, value)
        own["used"] += 1
        if self.survey.memoise:
            own["kept"][key] = answer
        _write_state(path, state)
        return answer


def read_survey(path: str | os.PathLike[str]) -> Survey:
    """Read a survey from a file.

    Raises:
        Refusal: ``survey``.
    """
    try:
        with Path(path).open("rb") as file:
            return Survey(strict_json(file.read(MAX_FILE_BYTES + 1)))
    except OSError:
        raise Refusal("survey", "it cannot be read") from None
    except Refusal:
        raise
    except (ValueError, RecursionError):
        raise Refusal("survey", "it is not JSON") from None


def strict_json(raw: bytes) -> Json:
    """Read JSON in which no name stands twice and no number is broken; longer than 64 MiB it is none.

    Raises:
        ValueError: It is not such JSON, ``RecursionError`` included where it is nested too deep.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError("it is too long")
    return _DECODER.decode(raw.decode("utf-8"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(_: str) -> Json:
    raise ValueError("a number is not whole")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_no_number, parse_constant=_no_number)


def _need(is_so: bool, reason: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_so:
        raise Refusal("survey", reason)


def _whole(value: Json, least: int, most: int, what: str) -> int:
    _need(type(value) is int and least <= value <= most, f"{what} is not from {least} to {most}")
    return int(value)


def _power(value: Json, least: int, most: int, what: str) -> int:
    size = _whole(value, least, most, what)
    _need(size & (size - 1) == 0, f"{what} is not a power of two")
    return size


def _domain(values: Json) -> tuple[str, ...]:
    _need(isinstance(values, list), "its domain is not a list")
    _need(LEAST_VALUES <= len(values) <= MAX_VALUES, f"its domain does not have 2 to {MAX_VALUES} values")
    try:
        for value in values:
            check_text(value)
    except Refusal as found:
        raise Refusal("survey", str(found)) from None
    _need(len(set(values)) == len(values), "a value stands twice in its domain")
    return tuple(values)


def _read_state(path: str) -> Json:
    try:
        with Path(path).open("rb") as file:
            state = strict_json(file.read(MAX_FILE_BYTES + 1))
        _check_state(state)
    except FileNotFoundError:
        return {"format": STATE_FORMAT, "salt": secrets.token_hex(16), "surveys": {}}
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        # Never begun anew on its own: that would forget what was told.
        raise Refusal("state", "the state file cannot be read, so what was told is unknown") from None
    return state


def _check_state(state: Json) -> None:
    is_fit = state["format"] == STATE_FORMAT and isinstance(state["salt"], str)
    for own in state["surveys"].values():
        is_fit = is_fit and type(own["used"]) is int and own["used"] >= 0 and isinstance(own["kept"], dict)
    if not is_fit:
        raise ValueError("it is no state")


def _write_state(path: str, state: Json) -> None:
    part = f"{path}.{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(json.dumps(state, sort_keys=True).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except OSError:
        raise Refusal("state", "the state file cannot be written") from None


def main(arguments: list[str], read: Callable[[], str], write: Callable[[str], Any]) -> int:
    """Print a report of the value on the first line of the input.

    Args:
        arguments: The survey's file, and ``--state FILE``.
        read: Gives a line of the input; a value never stands on a command line, where others see it.
        write: Takes a line of the output.

    Returns:
        The exit code.
    """
    survey, state = "".join(arguments[:1]), "".join(arguments[2:3])
    if arguments != [survey, *(["--state", state] if state else [])] or survey[:1] in ("", "-"):
        sys.stderr.write("usage: local_client.py SURVEY [--state FILE] < VALUE\n")
        return USAGE
    try:
        report = Client(read_survey(survey), state or None).report(_first_line(read))
    except Refusal as refusal:
        sys.stderr.write(f"refused: {refusal}\n")
        return REFUSED
    write(json.dumps(report) + "\n")
    return OK


def _first_line(read: Callable[[], str]) -> str:
    try:
        return read().rstrip("\r\n")
    except ValueError:
        raise Refusal("value", "the value is no text in the encoding of this terminal") from None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], sys.stdin.readline, sys.stdout.write))
