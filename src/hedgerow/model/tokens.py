"""The words of tokenising: one rule per column, as frozen values.

A rule says how one column of the output is made from one column of the input. Which of them can
be reversed, by whom, and whether an erasure reaches them stands in docs/tokens.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, Final, TypeAlias

from hedgerow.model.errors import CallerError

DIGITS: Final = "0123456789"
PLAIN_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits that are not mistaken for one another: no I, O, 0 or 1."""

DETERMINISTIC: Final = "deterministic"
DOCUMENT_RANDOMISED: Final = "document-randomised"
FULLY_RANDOMISED: Final = "fully-randomised"
POLICIES: Final = (DETERMINISTIC, DOCUMENT_RANDOMISED, FULLY_RANDOMISED)
"""How far one value gets one token: for a named recipient, in one release, in one row.

Source: ENISA, Pseudonymisation techniques and best practices (2019), 5.2.
"""

SURROGATES: Final = (
    "name", "given-name", "family-name", "address", "phone", "iban", "card", "national-id",
)  # fmt: skip
"""What a surrogate can stand for."""

DATE_STEPS: Final = ("week", "month", "quarter", "year", "decade")
HASHES: Final = ("sha256", "sha512", "blake2b")

Pairs: TypeAlias = tuple[tuple[str, str], ...]


def _whole(default: int, least: int, most: int) -> Any:  # noqa: ANN401 - as dataclasses.field itself
    return field(default=default, metadata={"least": least, "most": most})


def _of(default: str, *allowed: str) -> Any:  # noqa: ANN401 - as dataclasses.field itself
    return field(default=default, metadata={"allowed": allowed})


def _policy(default: str = DOCUMENT_RANDOMISED, *allowed: str) -> Any:  # noqa: ANN401 - as above
    return _of(default, *(allowed or POLICIES))


@dataclass(frozen=True, slots=True)
class Rule:
    """What every rule has.

    Args:
        column: The column of the output.
        source: The column of the input; the same name unless the file says ``from``.

    Raises:
        CallerError: ``tokenise.option`` for an option out of its range.
    """

    kind: ClassVar[str] = ""

    column: str
    source: str

    def __post_init__(self) -> None:
        """Refuse options out of range."""
        for each in fields(self):
            _check(self.column, each, getattr(self, each.name))

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the input that it reads."""
        return (self.source,)


def _check(column: str, option: Field[Any], value: object) -> None:
    allowed, least = option.metadata.get("allowed"), option.metadata.get("least")
    if allowed and value not in allowed:
        raise CallerError(
            "tokenise.option", column=column, option=option.name, problem=f"it is one of {', '.join(allowed)}"
        )
    if least is not None and not (isinstance(value, int) and least <= value <= option.metadata["most"]):
        bounds = f"it is a whole number from {least} to {option.metadata['most']}"
        raise CallerError("tokenise.option", column=column, option=option.name, problem=bounds)


@dataclass(frozen=True, slots=True)
class Keep(Rule):
    """The value as it is.

    Args:
        i_know: The caller's word that the column names nobody, where discovery says that it does.
    """

    kind: ClassVar[str] = "keep"

    i_know: bool = False


@dataclass(frozen=True, slots=True)
class Drop(Rule):
    """Nothing: the column does not leave."""

    kind: ClassVar[str] = "drop"


@dataclass(frozen=True, slots=True)
class Constant(Rule):
    """One text in place of every value.

    Args:
        text: The text.
    """

    kind: ClassVar[str] = "constant"

    text: str = ""


@dataclass(frozen=True, slots=True)
class Redact(Rule):
    """The value with its characters blotted out.

    Args:
        mask: One character that stands for each blotted one.
        first: Characters left at the start.
        last: Characters left at the end.
        keep: Characters that stay wherever they stand, as ``"-"``.
    """

    kind: ClassVar[str] = "redact"

    mask: str = "*"
    first: int = _whole(0, 0, 8)
    last: int = _whole(0, 0, 8)
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Pseudonym(Rule):
    """The person's pseudonym: of a secret of the person, not of the value; the source names the person.

    Args:
        policy: ``deterministic`` for the recipient, else for the release alone.
        prefix: A text before it.
    """

    kind: ClassVar[str] = "pseudonym"

    policy: str = _policy(DOCUMENT_RANDOMISED, DETERMINISTIC, DOCUMENT_RANDOMISED)
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Token(Rule):
    """A keyed token (HMAC) of the value, which cannot be reversed without its key.

    Args:
        policy: How far one value gets one token.
        of: Column class: columns of one class share tokens; the name of the source by default.
        length: Characters of the token.
        prefix: A text before it.
    """

    kind: ClassVar[str] = "token"

    policy: str = _policy()
    of: str = ""
    length: int = _whole(26, 16, 52)
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Reversible(Rule):
    """The value sealed (AES-SIV) under the key of the person of the row: erasable, and opened with four eyes.

    Args:
        policy: How far one value of a person gets one token.
        of: Column class, as of ``Token``.
    """

    kind: ClassVar[str] = "reversible"

    policy: str = _policy()
    of: str = ""


@dataclass(frozen=True, slots=True)
class Fpe(Rule):
    """A value of the same form (NIST FF1): reversible with the workspace's key; an erasure does not reach it.

    Args:
        alphabet: The characters that are replaced, in order.
        keep: Characters that stay where they stand, as ``"- "``.
        policy: How far one value gets one replacement.
        of: Column class, as of ``Token``.
    """

    kind: ClassVar[str] = "fpe"

    alphabet: str = DIGITS
    keep: str = ""
    policy: str = _policy(DOCUMENT_RANDOMISED, DETERMINISTIC, DOCUMENT_RANDOMISED)
    of: str = ""


@dataclass(frozen=True, slots=True)
class Random(Rule):
    """A drawn token; which value it stands for is kept in the vault, sealed.

    Args:
        length: Characters of the token.
        alphabet: What it is drawn from.
        policy: How far one value gets one token.
        prefix: A text before it.
    """

    kind: ClassVar[str] = "random"

    length: int = _whole(8, 1, 64)
    alphabet: str = PLAIN_ALPHABET
    policy: str = _policy(DOCUMENT_RANDOMISED, DOCUMENT_RANDOMISED, FULLY_RANDOMISED)
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Surrogate(Rule):
    """An invented value of the same sort, the same for the same value.

    Args:
        what: One of ``SURROGATES``.
        locale: Of which country, as ``"en_GB"``.
        policy: How far one value gets one surrogate.
        of: Column class, as of ``Token``.
    """

    kind: ClassVar[str] = "surrogate"

    what: str = _of("name", *SURROGATES)
    locale: str = "en_US"
    policy: str = _policy()
    of: str = ""


@dataclass(frozen=True, slots=True)
class DateShift(Rule):
    """All dates of a person moved by one drawn number of days.

    Args:
        max_days: Furthest move either way, in days.
        format: How dates are written, as of ``strftime``; ISO 8601 where empty.
    """

    kind: ClassVar[str] = "date-shift"

    max_days: int = _whole(182, 1, 3650)
    format: str = ""


@dataclass(frozen=True, slots=True)
class CoarseDate(Rule):
    """A date as coarse as said.

    Args:
        to: One of ``DATE_STEPS``.
        format: How dates are written, as of ``strftime``; ISO 8601 where empty.
    """

    kind: ClassVar[str] = "date"

    to: str = _of("month", *DATE_STEPS)
    format: str = ""


@dataclass(frozen=True, slots=True)
class Age(Rule):
    """An age, or a date of birth, as a band of years.

    Args:
        bands: First ages of the bands, ascending, as ``(0, 18, 65)``; else bands of ``width``.
        width: Years of a band.
        top: From this age on all are one band.
        on: The day a date of birth is counted to (ISO 8601); the column holds ages where empty.
    """

    kind: ClassVar[str] = "age"

    bands: tuple[int, ...] = ()
    width: int = _whole(10, 1, 100)
    top: int = _whole(90, 1, 150)
    on: str = ""


@dataclass(frozen=True, slots=True)
class Zip(Rule):
    """The first digits of a postal code.

    Args:
        digits: How many are left.
        sparse: Beginnings of areas with so few people that nothing of them is left.
    """

    kind: ClassVar[str] = "zip"

    digits: int = _whole(3, 0, 12)
    sparse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup(Rule):
    """The label that a table has for the value.

    Args:
        table: Path of a CSV with a heading: its first column is the value, its second the label.
        entries: The same in place: pairs of value and label.
        other: The label of a value the table has not; such a value is refused where none is given.
    """

    kind: ClassVar[str] = "lookup"

    table: str = ""
    entries: Pairs = field(default=(), repr=False)
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Hash(Rule):
    """A plain hash: refused wherever somebody could try all values, which is nearly everywhere.

    Args:
        algorithm: One of ``HASHES``.
    """

    kind: ClassVar[str] = "hash"

    algorithm: str = _of("sha256", *HASHES)


PLACES: Final = ("cell", "time-band", "merchant-category", "trajectory")
"""Kinds of places and habits, whose options ``Habit`` holds as written."""


@dataclass(frozen=True, slots=True)
class Habit(Rule):
    """A place, a time, a merchant or a path made coarser.

    Args:
        habit: One of ``PLACES``.
        options: Pairs of option and text, as the file has them.
    """

    habit: str = _of(PLACES[0], *PLACES)
    options: Pairs = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the input that it reads: a cell is made of two."""
        longitude = dict(self.options).get("longitude") if self.habit == "cell" else None
        return (self.source, longitude) if longitude else (self.source,)


KINDS: Final[Mapping[str, type[Rule]]] = {
    each.kind: each
    for each in (
        Keep, Drop, Constant, Redact, Pseudonym, Token, Reversible, Fpe, Random, Surrogate, DateShift,
        CoarseDate, Age, Zip, Lookup, Hash,
    )
} | dict.fromkeys(PLACES, Habit)  # fmt: skip
"""Every kind a rules file can name, and its type."""


def kind_of(rule: Rule) -> str:
    """Name the kind of a rule as a rules file does."""
    return rule.habit if isinstance(rule, Habit) else rule.kind


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file.

    Args:
        columns: One rule per column named, in the order of the output.
        person: The column that tells whose row it is, or none.
        drops_others: Leave columns out that no rule names; else they are refused.
        shuffles: Put the rows in a drawn order; rows of a data set always are.
    """

    columns: tuple[Rule, ...]
    person: str | None = None
    drops_others: bool = False
    shuffles: bool = False

    @property
    def made(self) -> tuple[Rule, ...]:
        """The rules whose columns leave."""
        return tuple(rule for rule in self.columns if not isinstance(rule, Drop))

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the input that must be there, each once; the person's own first."""
        whose = () if self.person is None else (self.person,)
        return tuple(dict.fromkeys([*whose, *(name for rule in self.columns for name in rule.sources)]))


def default_of(option: Field[Any]) -> object:
    """Tell what an option is when the file does not name it; ``MISSING`` where it must."""
    return MISSING if option.default is MISSING else option.default


RELEASE: Final = "release"
RECIPIENT: Final = "recipient"
"""Names of the scopes in which tokens are valid."""


def scope_to(recipient: str, *, is_of_file: bool) -> str:
    """Name what the tokens of a recipient are valid in: rows of a data set apart from files.

    Whoever makes tokens of a file knows whose each is. Were they those of the data set's own rows, these
    could be told by a file of guesses, with nobody's grant.

    Args:
        recipient: To whom it goes, a name, which holds no blank.
        is_of_file: Whether the rows are of a file.
    """
    return f"{recipient} file" if is_of_file else recipient


INNER_SCOPE: Final = ("", "", "", "")
"""The scope beneath a leased secret, which is of one tenant, purpose, data set and release already."""

COARSE: Final = frozenset({"date", "age", "zip", "lookup", *PLACES})

LABEL: Final = "pseudonymised"
"""The label of every tokenised table; it is never called anonymous."""

LIMITS: Final = (
    "Pseudonymised is not anonymous: each row is still of one person, and whoever knows enough of what was"
    " left in it finds the person. Treat this table as personal data."
)


def is_coarse(rule: Rule) -> bool:
    """Tell whether a rule leaves something true of the person, made coarser."""
    return kind_of(rule) in COARSE


def policy_of(rule: Rule) -> str:
    """Tell how far one value gets one token; document-randomised where a kind has no such option."""
    return str(getattr(rule, "policy", DOCUMENT_RANDOMISED))
