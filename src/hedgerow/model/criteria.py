"""What may be asked of a de-identified table beyond k: privacy models as frozen values with a text form.

A text such as ``t(diagnosis)=0.2,ordered`` names the model, the sensitive column it is about, and its
numbers, which are exact. ``parse_model`` reads it and ``str`` writes it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias
from typing import Literal as OneOf

from hedgerow.model.budget import parse_decimal, show_exact
from hedgerow.model.errors import CallerError

Distance: TypeAlias = OneOf["equal", "ordered", "hierarchical"]
Estimator: TypeAlias = OneOf["dankar", "pitman", "zayatz", "snb"]

DISTANCES: Final[tuple[Distance, ...]] = ("equal", "ordered", "hierarchical")
ESTIMATORS: Final[tuple[Estimator, ...]] = ("dankar", "pitman", "zayatz", "snb")

REGIONS: Final[Mapping[str, int]] = {
    "australia": 25_422_788,
    "brazil": 203_080_756,
    "canada": 36_991_981,
    "china": 1_411_778_724,
    "germany": 82_719_540,
    "india": 1_210_854_977,
    "usa": 331_449_281,
}
"""People by region, by the last census each published: Australia 2021, Brazil 2022, Canada 2021, China 2020
(mainland), Germany 2022, India 2011, United States 2020."""

_MOST = 1_000_000
_PLACES = 6
_LEAST = 2


@dataclass(frozen=True, slots=True)
class DistinctL:
    """Each class has at least ``l`` different values of a sensitive column.

    It does not say how often: one value may hold for nearly all of a class.

    Args:
        column: The sensitive column.
        l: Least number of different values, at least 2.
    """

    column: str
    l: int  # noqa: E741 - the field's own word

    def __str__(self) -> str:
        """Write the text form."""
        return f"distinct-l({self.column})={self.l}"


@dataclass(frozen=True, slots=True)
class EntropyL:
    """The entropy of a sensitive column in each class is at least ln ``l``.

    Args:
        column: The sensitive column.
        l: As many equally frequent values would have the least entropy allowed; above 1.

    Source:
        Machanavajjhala and others, l-diversity (TKDD 2007), definition 4.1.
    """

    column: str
    l: Fraction  # noqa: E741 - the field's own word

    def __str__(self) -> str:
        """Write the text form."""
        return f"entropy-l({self.column})={_shown(self.l)}"


@dataclass(frozen=True, slots=True)
class RecursiveL:
    """In each class the first value has fewer rows than ``c`` times those of the ``l``-th and all rarer ones.

    Values are taken by how frequent they are in the class, the most frequent first.

    Args:
        column: The sensitive column.
        c: How often, above 0.
        l: From which place on values are added up, at least 2.

    Source:
        Machanavajjhala and others, l-diversity (TKDD 2007), definition 4.2.
    """

    column: str
    c: Fraction
    l: int  # noqa: E741 - the field's own word

    def __str__(self) -> str:
        """Write the text form."""
        return f"recursive-l({self.column})={_shown(self.c)},{self.l}"


@dataclass(frozen=True, slots=True)
class TCloseness:
    """The distribution of a sensitive column in each class is near to that of all rows.

    Args:
        column: The sensitive column.
        t: Largest earth mover's distance, 0 to 1.
        distance: ``equal``: all values are equally far apart; ``ordered``: by their ranks;
            ``hierarchical``: by how high in the column's hierarchy they meet.

    Source:
        Li, Li and Venkatasubramanian, t-closeness (ICDE 2007), sections 4 and 5.
    """

    column: str
    t: Fraction
    distance: Distance = "equal"

    def __str__(self) -> str:
        """Write the text form."""
        return f"t({self.column})={_shown(self.t)},{self.distance}"


@dataclass(frozen=True, slots=True)
class BetaLikeness:
    """No value's share in a class exceeds its share in all rows by more than beta times the latter.

    Args:
        column: The sensitive column.
        beta: Largest relative gain, above 0.
        is_enhanced: Whether the gain of a value of share p is bounded by -ln p as well.

    Source:
        Cao and Karras, Publishing microdata with a robust privacy guarantee (VLDB 2012), definitions 2 and 3.
    """

    column: str
    beta: Fraction
    is_enhanced: bool = False

    def __str__(self) -> str:
        """Write the text form."""
        return f"beta({self.column})={_shown(self.beta)},{'enhanced' if self.is_enhanced else 'basic'}"


@dataclass(frozen=True, slots=True)
class DeltaPresence:
    """Of the people of a population who look alike, the share that is in the table lies between two bounds.

    Args:
        least: Smallest share, 0 to 1; above 0 nobody of the population may be known to be absent.
        most: Largest share, from ``least`` to 1.

    Source:
        Nergiz, Atzori and Clifton, Hiding the presence of individuals (SIGMOD 2007), definition 2.
    """

    least: Fraction
    most: Fraction

    def __str__(self) -> str:
        """Write the text form."""
        return f"delta-presence={_shown(self.least)},{_shown(self.most)}"


@dataclass(frozen=True, slots=True)
class KMap:
    """Each released row looks like at least ``k`` people of the population.

    Args:
        k: Least number of people, at least 2.
        significance: Without a population table: how likely at most a class is let through whose
            people in the population are fewer than k, when they fall into the table at random; above
            0, below 1.

    Source:
        Sweeney, k-map (2001); the estimate from the population's size after El Emam and Dankar, Protecting
        privacy using k-anonymity (JAMIA 2008), with cell sizes from a Poisson distribution truncated at zero.
    """

    k: int
    significance: Fraction | None = None

    def __str__(self) -> str:
        """Write the text form."""
        return f"k-map={self.k}" + ("" if self.significance is None else f",{_shown(self.significance)}")


@dataclass(frozen=True, slots=True)
class AverageRisk:
    """The average chance to pick the row of a person known to be in the table is bounded.

    Args:
        most: Largest average, above 0 to 1: classes over released rows (or people).
    """

    most: Fraction

    def __str__(self) -> str:
        """Write the text form."""
        return f"average-risk={_shown(self.most)}"


@dataclass(frozen=True, slots=True)
class PopulationUniqueness:
    """The estimated share of people of the population who are unique in it is bounded.

    Args:
        most: Largest share, 0 to 1.
        estimator: ``dankar`` chooses: Pitman's model where at most a tenth of the population is in the
            table, else the smaller of Zayatz' and the SNB estimate.

    Source:
        Dankar, El Emam, Neisa and Roffey, Estimating the re-identification risk of clinical data sets
        (BMC Medical Informatics and Decision Making 2012).
    """

    most: Fraction
    estimator: Estimator = "dankar"

    def __str__(self) -> str:
        """Write the text form."""
        return f"population-uniqueness={_shown(self.most)},{self.estimator}"


SensitiveModel: TypeAlias = DistinctL | EntropyL | RecursiveL | TCloseness | BetaLikeness
TableModel: TypeAlias = DeltaPresence | KMap | AverageRisk | PopulationUniqueness
Model: TypeAlias = SensitiveModel | TableModel


def _shown(value: Fraction) -> str:
    return show_exact(value, _PLACES)


_TEXT = re.compile(r"(?P<name>[a-z-]+)(?:\((?P<column>.+)\))?=(?P<numbers>[^=]*)\Z", re.DOTALL)

FORMS: Final[Mapping[str, str]] = {
    "distinct-l": "distinct-l(COLUMN)=L",
    "entropy-l": "entropy-l(COLUMN)=L",
    "recursive-l": "recursive-l(COLUMN)=C,L",
    "t": "t(COLUMN)=T[,equal|ordered|hierarchical]",
    "beta": "beta(COLUMN)=BETA[,basic|enhanced]",
    "delta-presence": "delta-presence=LEAST,MOST",
    "k-map": "k-map=K[,SIGNIFICANCE]",
    "average-risk": "average-risk=SHARE",
    "population-uniqueness": "population-uniqueness=SHARE[,dankar|pitman|zayatz|snb]",
}
"""How each model is written."""


class _Text:
    """The numbers of one model's text, read in turn."""

    def __init__(self, name: str, column: str | None, numbers: Sequence[str]) -> None:
        self.name, self._column, self.numbers = name, column, numbers
        if (column is None) == ("(" in FORMS[name]):
            raise self.malformed()

    @property
    def column(self) -> str:
        """The column in brackets."""
        return self._column or ""

    def malformed(self) -> CallerError:
        """Say how the model is written."""
        return CallerError("anonymity.model-malformed", model=self.name, form=FORMS[self.name])

    def out_of_range(self, said: str) -> CallerError:
        """Say what its number must be."""
        return CallerError("anonymity.model-range", model=self.name, range=said)

    def counted(self, least: int, most: int) -> None:
        """Refuse another number of parts."""
        if not least <= len(self.numbers) <= most:
            raise self.malformed()

    def whole(self, place: int) -> int:
        """Read a whole number of at least 2."""
        text = self.numbers[place]
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise self.malformed()
        if not _LEAST <= int(text) <= _MOST:
            raise self.out_of_range(f"a whole number from {_LEAST} to {_MOST}")
        return int(text)

    def exact(self, place: int, said: str, fits: Callable[[Fraction], bool]) -> Fraction:
        """Read a decimal of at most six places."""
        value = parse_decimal(self.numbers[place])
        if value is None:
            raise self.malformed()
        if (value * 10**_PLACES).denominator != 1 or abs(value) > _MOST or not fits(value):
            raise self.out_of_range(f"{said}, with at most {_PLACES} decimal places")
        return value

    def word(self, place: int, words: Sequence[str]) -> str:
        """Read one of some words; the first where nothing is written."""
        if place >= len(self.numbers):
            return words[0]
        if self.numbers[place] not in words:
            raise self.malformed()
        return self.numbers[place]


def _is_share(value: Fraction) -> bool:
    return 0 <= value <= 1


def _distinct(text: _Text) -> Model:
    text.counted(1, 1)
    return DistinctL(text.column, text.whole(0))


def _entropy(text: _Text) -> Model:
    text.counted(1, 1)
    return EntropyL(text.column, text.exact(0, "a number above 1", lambda value: value > 1))


def _recursive(text: _Text) -> Model:
    text.counted(2, 2)
    c = text.exact(0, "c above 0", lambda value: value > 0)
    return RecursiveL(text.column, c, text.whole(1))


def _closeness(text: _Text) -> Model:
    text.counted(1, 2)
    t = text.exact(0, "a number from 0 to 1", _is_share)
    chosen = text.word(1, DISTANCES)
    return TCloseness(text.column, t, next(each for each in DISTANCES if each == chosen))


def _likeness(text: _Text) -> Model:
    text.counted(1, 2)
    beta = text.exact(0, "a number above 0", lambda value: value > 0)
    return BetaLikeness(text.column, beta, text.word(1, ("basic", "enhanced")) == "enhanced")


def _presence(text: _Text) -> Model:
    text.counted(2, 2)
    least, most = (text.exact(place, "a share from 0 to 1", _is_share) for place in (0, 1))
    if least > most:
        raise text.out_of_range("a share from 0 to 1, the first not above the second")
    return DeltaPresence(least, most)


def _mapped(text: _Text) -> Model:
    text.counted(1, 2)
    if len(text.numbers) == 1:
        return KMap(text.whole(0))
    chance = text.exact(1, "a significance above 0 and below 1", lambda value: 0 < value < 1)
    return KMap(text.whole(0), chance)


def _average(text: _Text) -> Model:
    text.counted(1, 1)
    return AverageRisk(text.exact(0, "a share above 0 and at most 1", lambda value: 0 < value <= 1))


def _uniqueness(text: _Text) -> Model:
    text.counted(1, 2)
    most, chosen = text.exact(0, "a share from 0 to 1", _is_share), text.word(1, ESTIMATORS)
    return PopulationUniqueness(most, next(each for each in ESTIMATORS if each == chosen))


_READERS: Final[Mapping[str, Callable[[_Text], Model]]] = {
    "distinct-l": _distinct,
    "entropy-l": _entropy,
    "recursive-l": _recursive,
    "t": _closeness,
    "beta": _likeness,
    "delta-presence": _presence,
    "k-map": _mapped,
    "average-risk": _average,
    "population-uniqueness": _uniqueness,
}


def parse_model(text: str) -> Model:
    """Read a privacy model.

    Args:
        text: Such as ``entropy-l(diagnosis)=3``; ``FORMS`` lists how each is written.

    Returns:
        The model, its numbers exact.

    Raises:
        CallerError: ``anonymity.model-unknown``, ``anonymity.model-malformed`` or ``anonymity.model-range``.
    """
    found = _TEXT.match(text.strip())
    name = re.split(r"[(=]", text.strip(), maxsplit=1)[0].strip()
    if name not in FORMS:
        raise CallerError("anonymity.model-unknown", known=", ".join(FORMS))
    if found is None:
        raise CallerError("anonymity.model-malformed", model=name, form=FORMS[name])
    numbers = [part.strip() for part in found["numbers"].split(",")]
    return _READERS[name](_Text(name, found["column"], numbers))


def parse_models(texts: Iterable[str | Model]) -> tuple[Model, ...]:
    """Read several privacy models.

    Args:
        texts: Their texts, or models as they are.

    Returns:
        The models in that order, each once.

    Raises:
        CallerError: As ``parse_model``.
    """
    given = (texts,) if isinstance(texts, str) else texts
    return tuple(dict.fromkeys(_checked(each) for each in given))


def _checked(given: str | Model) -> Model:
    """A model that was built by hand goes by its text too, so that its numbers are looked at all the same."""
    model = parse_model(str(given))
    if not isinstance(given, str) and given != model:
        name = str(given).partition("(")[0].partition("=")[0]
        said = f"numbers with at most {_PLACES} decimal places"
        raise CallerError("anonymity.model-range", model=name, range=said)
    return model


def parse_population(text: str) -> int | None:
    """Read the size of a population.

    Args:
        text: A whole number of people, or a region of ``REGIONS``.

    Returns:
        The number of people; none where the text is neither, such as the name of a file.
    """
    plain = text.strip().lower().replace("_", "").replace(",", "")
    if re.fullmatch(r"[0-9]{1,12}", plain):
        return int(plain)
    return REGIONS.get(text.strip().lower())
