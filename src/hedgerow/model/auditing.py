"""The words of an audit of a finished release: risks, attacks and what they leave open, as frozen values.

They hold counts, rates and names of columns; never a value of a person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, TypeAlias

from hedgerow.model.uses import Json

NO_POPULATION: Final = "none: journalist and marketer risk are stated as high as the prosecutor's"
GIVEN: Final = "a population table, its rows counted in each released class"
SAMPLED: Final = (
    "a population size: the rows are taken for a simple random sample of it, and each class of the population"
    " for negative binomial given its rows (Benedetti and Franconi)"
)

SINGLING_OUT: Final = "singling out"
LINKABILITY: Final = "linkability"
INFERENCE: Final = "inference"
NEAREST: Final = "nearest record"
EVERYONE: Final = "everyone"
STANDING_OUT: Final = "people who stand out"

PERSONAL: Final = "personal data"
PSEUDONYMISED: Final = "pseudonymised personal data"
NOT_SHOWN: Final = (
    "not shown to be personal data by these attacks; whether it is anonymous is for people to decide"
)

Share: TypeAlias = Fraction

_PLACES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Reidentification:
    """The chances to point at the right row of a class, a row for each person or pseudonym.

    Args:
        rows: Released rows, one for each pseudonym where there are such.
        class_sizes: Pairs of class size and number of such classes, ascending.
        small_limit: A class of fewer rows is small.
        small_classes: Small classes.
        small_rows: Rows in them.
        threshold: Chance above which a row is at risk.
        rows_at_risk: Rows whose prosecutor risk is above it.
        journalist_max: Highest chance where the attacker does not know who is in the release.
        marketer: Expected share of rows matched rightly by linking all of them.
        basis: What population the last two rest on.
        unique_share: Share of the population that is estimated to be unique in it (Dankar); none where its
            size was not given or the model has no solution.
    """

    rows: int
    class_sizes: tuple[tuple[int, int], ...]
    small_limit: int
    small_classes: int
    small_rows: int
    threshold: Share
    rows_at_risk: int
    journalist_max: float
    marketer: float
    basis: str
    unique_share: float | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return sum(count for _, count in self.class_sizes)

    @property
    def smallest_class(self) -> int:
        """Rows in the smallest class."""
        return self.class_sizes[0][0]

    @property
    def uniques(self) -> int:
        """Rows that are alone in their class."""
        return dict(self.class_sizes).get(1, 0)

    @property
    def prosecutor_max(self) -> Share:
        """Highest chance to point at the row of a person known to be in the release."""
        return Fraction(1, self.smallest_class)

    @property
    def prosecutor_average(self) -> Share:
        """That chance, averaged over the rows."""
        return Fraction(self.classes, self.rows)

    def as_json(self) -> dict[str, Json]:
        """Render as plain values; rates are decimal text, for which floats have no one form."""
        return {
            "rows": self.rows,
            "classes": self.classes,
            "smallest_class": self.smallest_class,
            "uniques": self.uniques,
            "small_classes": {
                "fewer_than": self.small_limit,
                "classes": self.small_classes,
                "rows": self.small_rows,
            },
            "prosecutor": {
                "max": _near(self.prosecutor_max),
                "average": _near(self.prosecutor_average),
                "threshold": _near(self.threshold),
                "rows_above_threshold": self.rows_at_risk,
                "share_above_threshold": _near(Fraction(self.rows_at_risk, self.rows)),
            },
            "journalist": {"max": _near(self.journalist_max)},
            "marketer": _near(self.marketer),
            "population": self.basis,
            "population_unique": None if self.unique_share is None else _near(self.unique_share),
        }


@dataclass(frozen=True, slots=True)
class AttackOutcome:
    """How one attack went on the people of the source and on people who were not in it.

    Args:
        attack: Its name.
        knows: Columns that the attacker knows.
        guesses: Columns that it says something about.
        people: Whom it was tried on.
        members: People of the source that were attacked.
        right: How often it was right about them.
        controls: People attacked who were not in the source; 0 where there is no control group.
        control_right: How often it was right about them.
        shuffled_right: How often it was right about the members when the release was shuffled apart.
        chance: Share of all divisions of these people into two groups that give members as many successes;
            none without a control group.
        level: Up to which chance an excess is not put down to chance.
        low: Lower end of the 95% interval of the risk.
        high: Upper end.
        detectable: Smallest risk that would have been seen with chance 0.95; none where none would.
        agreed: For inference, members whose fitting rows all carry one value.
    """

    attack: str
    knows: tuple[str, ...]
    guesses: tuple[str, ...]
    people: str
    members: int
    right: int
    controls: int
    control_right: int
    shuffled_right: int
    chance: float | None
    level: float
    low: float
    high: float
    detectable: float | None
    agreed: int | None = None

    @property
    def estimate(self) -> Share:
        """Risk as it was counted: (rate - control rate) / (1 - control rate), at least 0."""
        if not self.members:
            return Fraction(0)
        rate = Fraction(self.right, self.members)
        base = Fraction(self.control_right, self.controls) if self.controls else Fraction(0)
        return max(Fraction(0), (rate - base) / (1 - base)) if base < 1 else Fraction(0)

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the excess is more than dividing the people otherwise would give."""
        return self.right > 0 if self.chance is None else self.chance <= self.level

    @property
    def risk(self) -> Share:
        """The estimate where it is beyond chance, else 0; then ``detectable`` says what was not seen."""
        return self.estimate if self.is_beyond_chance else Fraction(0)

    def as_json(self) -> dict[str, Json]:
        """Render as plain values; rates are decimal text, for which floats have no one form."""
        return {
            "attack": self.attack,
            "knows": list(self.knows),
            "guesses": list(self.guesses),
            "people": self.people,
            "members": self.members,
            "right": self.right,
            "controls": self.controls,
            "control_right": self.control_right,
            "shuffled_right": self.shuffled_right,
            "chance": None if self.chance is None else f"{self.chance:.3g}",
            "level": f"{self.level:.3g}",
            "estimate": _near(self.estimate),
            "risk": _near(self.risk),
            "interval": [_below(self.low), _above(self.high)],
            "detectable": None if self.detectable is None else _above(self.detectable),
            "agreed": self.agreed,
        }


@dataclass(frozen=True, slots=True)
class Candidates:
    """How many released rows fit each person of the source.

    Args:
        people: People looked for.
        sizes: Pairs of number of fitting rows and number of people, ascending.
    """

    people: int
    sizes: tuple[tuple[int, int], ...]

    @property
    def singled_out(self) -> int:
        """People whom exactly one row fits."""
        return dict(self.sizes).get(1, 0)

    @property
    def unmatched(self) -> int:
        """People whom no row fits."""
        return dict(self.sizes).get(0, 0)

    @property
    def fewest(self) -> int:
        """Rows in the smallest set of candidates that is not empty; 0 when all are."""
        return min((size for size, _ in self.sizes if size), default=0)


@dataclass(frozen=True, slots=True)
class ReleaseAudit:
    """What is known of a finished release: counted risks, attacks with their power, and what is missing.

    Args:
        quasi: Columns that the attacker knows.
        sensitive: Columns that must stay unknown.
        others: Released columns that nobody listed and no attack knew or guessed.
        identifying: Those of the others that point at one row each and stand in the original, too.
        original_rows: Rows of the source.
        released_rows: Rows of the release.
        control_rows: Rows of people who were not in the source.
        is_synthetic: Whether rows are nobody's: then classes say nothing of people.
        person: Column by which rows of one person were told in the original; none where each row is one.
        pseudonym: Column by which released rows of one person were taken together, if any.
        reidentification: Risk by classes; none for a synthetic table.
        candidates: How many rows fit each person of the source.
        attacks: The attacks.
        outlier_rows: Rows far from the middle in at least one released number.
        outlier_columns: Released numbers that were looked at for it.
        seed: What the random choices were drawn from.
        statements: All of it in plain words.
        legal_class: What the release is taken for.
        needed: What would have to be shown for it to be taken for less.
        unread: Columns whose released cells, more than one in twenty, contain no value that was collected.
    """

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]
    others: tuple[str, ...]
    identifying: tuple[str, ...]
    original_rows: int
    released_rows: int
    control_rows: int
    is_synthetic: bool
    person: str | None
    pseudonym: str | None
    reidentification: Reidentification | None
    candidates: Candidates
    attacks: tuple[AttackOutcome, ...]
    outlier_rows: int
    outlier_columns: int
    seed: int
    statements: tuple[str, ...] = field(default=())
    legal_class: str = PSEUDONYMISED
    needed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def attack_risk(self) -> Share:
        """The highest risk of any attack."""
        return max((each.risk for each in self.attacks), default=Fraction(0))

    @property
    def detectable(self) -> float | None:
        """The smallest risk that every attack would have seen; none where one of them saw none."""
        seen = [each.detectable for each in self.attacks]
        known = [each for each in seen if each is not None]
        return max(known) if known and len(known) == len(seen) else None

    @property
    def risk(self) -> Share:
        """The highest risk: of any attack, and of the prosecutor where rows are people."""
        classes = self.reidentification
        return max(self.attack_risk, classes.prosecutor_max) if classes else self.attack_risk

    def findings(self, limit: Share) -> tuple[str, ...]:
        """Say what speaks against a release that shall stay within a risk.

        Args:
            limit: The highest risk allowed, 0 to 1.

        Returns:
            A line for each risk above it, and for each attack that could not have seen such a risk; none
            when the release stays within it.
        """
        found = []
        if self.reidentification and self.reidentification.prosecutor_max > limit:
            found.append(f"the prosecutor's risk is {_shown(self.reidentification.prosecutor_max)}")
        for each in self.attacks:
            named = f"{each.attack} of {', '.join(each.guesses)}" if each.guesses else each.attack
            if each.risk > limit:
                found.append(f"{named} ({each.people}) has a risk of {_shown(each.risk)}")
            elif each.detectable is None or each.detectable > limit:
                found.append(f"{named} ({each.people}) could not have seen a risk so small")
        return (*found, *(f"column {name} points at one row each" for name in self.identifying))

    def as_json(self) -> dict[str, Json]:
        """Render as plain values: counts, rates as decimal text, names of columns and sentences."""
        risk = self.reidentification
        return {
            "quasi": list(self.quasi),
            "sensitive": list(self.sensitive),
            "others": list(self.others),
            "identifying": list(self.identifying),
            "rows": {
                "original": self.original_rows,
                "released": self.released_rows,
                "control": self.control_rows,
            },
            "is_synthetic": self.is_synthetic,
            "person": self.person,
            "pseudonym": self.pseudonym,
            "risk": _near(self.risk),
            "reidentification": None if risk is None else risk.as_json(),
            "candidates": {
                "people": self.candidates.people,
                "singled_out": self.candidates.singled_out,
                "unmatched": self.candidates.unmatched,
                "fewest": self.candidates.fewest,
            },
            "attacks": [each.as_json() for each in self.attacks],
            "detectable": None if self.detectable is None else _above(self.detectable),
            "outliers": {"rows": self.outlier_rows, "columns": self.outlier_columns},
            "seed": self.seed,
            "statements": list(self.statements),
            "legal_class": self.legal_class,
            "needed": list(self.needed),
            "unread": list(self.unread),
        }


def _shown(share: Share) -> str:
    return f"{100 * float(share):.1f}%"


def _near(rate: Share | float) -> str:
    """A rate to six places."""
    return _placed(round(Fraction(rate) * _PLACES))


def _below(rate: float) -> str:
    return _placed(math.floor(Fraction(rate) * _PLACES))


def _above(rate: float) -> str:
    return _placed(math.ceil(Fraction(rate) * _PLACES))


def _placed(millionths: int) -> str:
    return f"{millionths // _PLACES}.{millionths % _PLACES:06}".rstrip("0").rstrip(".")
