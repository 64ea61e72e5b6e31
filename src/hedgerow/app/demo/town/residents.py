"""The register of residents: who lives in Riverside, before any house writes anything down."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.app.demo.town import words
from hedgerow.app.demo.town.draw import by_row, pick, stream

if TYPE_CHECKING:
    from hedgerow.app.demo.town.draw import Days, Integers, Numbers, Texts

REGISTER_YEAR = 2026  # ages are those of 1 January
CLINICS = ("north", "south", "river")
_OLDEST = 101
_UNUSUAL = 3
_PENSION_AGE = 67
_FERTILE_UNTIL = 50
_PREGNANCY = [row[0][:3] for row in words.DIAGNOSES].index("O26")
_SERVICE_CODE = 11  # 211, 311, ... reach services, not people


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Residents:
    """Every resident, one position each, so that tables share one truth.

    Args:
        ref: ``R-000001`` and on.
        full_name: First name and surname; namesakes happen.
        email: Distinct, at ``example.org``.
        phone: Distinct, in a range reserved for fiction.
        birth_date: Days.
        age: Years on the register day, 18 to 101.
        sex: ``F``, ``M`` or ``X``.
        zip_code: One of 40.
        address: Street and number.
        salary: Yearly, two decimals.
        clinic: Index of the home clinic.
        illness: Index of the usual diagnosis.
    """

    ref: Texts
    full_name: Texts
    email: Texts
    phone: Texts
    birth_date: Days
    age: Integers
    sex: Texts
    zip_code: Texts
    address: Texts
    salary: Numbers
    clinic: Integers
    illness: Integers

    def __len__(self) -> int:
        """Count the residents."""
        return len(self.ref)

    def to_table(self) -> pa.Table:
        """Show the register as a table.

        Returns:
            One row a resident.
        """
        return pa.table(
            {
                "resident_ref": self.ref,
                "full_name": self.full_name,
                "email": self.email,
                "phone": self.phone,
                "birth_date": self.birth_date,
                "age": self.age,
                "sex": self.sex,
                "zip": self.zip_code,
                "address": self.address,
                "home_clinic": np.asarray(CLINICS)[self.clinic],
            }
        )


def settle(seed: int, people: int) -> Residents:
    """Let people move into the town.

    Args:
        seed: 0 or more.
        people: 1 to 70,000.

    Returns:
        The register.
    """
    rng = stream(seed, "residents")
    unusual = rng.choice(people, size=min(_UNUSUAL, people), replace=False)
    age = _ages(rng, people, unusual)
    sex = pick(rng, ("F", "M", "X"), people, (50, 49, 1))
    clinic = rng.choice(len(CLINICS), size=people, p=(0.4, 0.35, 0.25))
    clinic[unusual] = 0
    first, last = _names(rng, sex)
    return Residents(
        ref=np.array([f"R-{number:06d}" for number in range(1, people + 1)]),
        full_name=np.array([f"{a} {b}" for a, b in zip(first, last, strict=True)]),
        email=_emails(first, last),
        phone=_phones(rng, people),
        birth_date=_birth_dates(rng, age),
        age=age,
        sex=sex,
        zip_code=_zips(rng, clinic),
        address=_addresses(rng, people),
        salary=_salaries(rng, age),
        clinic=clinic,
        illness=by_row(rng, illness_weights(age, sex)),
    )


def illness_weights(age: Integers, sex: Texts) -> Numbers:
    """Weigh the diagnoses for people of these ages.

    Args:
        age: Years.
        sex: ``F``, ``M`` or ``X``.

    Returns:
        Weights of 0 or more, not all 0, one row a person and one column a diagnosis.
    """
    young, gained = (np.array([row[place] for row in words.DIAGNOSES], dtype=float) for place in (1, 2))
    weights = np.maximum(young + gained * (age[:, None] - 18) / 10, 0.01)
    weights[:, _PREGNANCY] *= (sex != "M") & (age < _FERTILE_UNTIL)
    return np.asarray(weights)


def _ages(rng: np.random.Generator, people: int, unusual: Integers) -> Integers:
    age = (18 + rng.beta(1.3, 2.0, people) * 77).astype(np.int64)
    age[unusual] = _OLDEST
    return age


def _birth_dates(rng: np.random.Generator, age: Integers) -> Days:
    new_year = (REGISTER_YEAR - 1 - age - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    return np.asarray(new_year + rng.integers(1, 366, len(age)))


def _names(rng: np.random.Generator, sex: Texts) -> tuple[Texts, Texts]:
    size = len(sex)
    first = np.select(
        [sex == "F", sex == "M"],
        [pick(rng, words.FIRST_F, size), pick(rng, words.FIRST_M, size)],
        pick(rng, words.FIRST_X, size),
    )
    last = np.char.add(pick(rng, words.SURNAME_HEAD, size), pick(rng, words.SURNAME_TAIL, size))
    return first, last


def _emails(first: Texts, last: Texts) -> Texts:
    seen: Counter[str] = Counter()
    mails = []
    for name in np.char.add(np.char.add(first, "."), last):
        plain = unicodedata.normalize("NFKD", str(name)).encode("ascii", "ignore").decode().lower()
        seen[plain] += 1
        mails.append(f"{plain}{seen[plain] if seen[plain] > 1 else ''}@example.org")
    return np.array(mails)


def _phones(rng: np.random.Generator, people: int) -> Texts:
    areas = [area for area in range(200, 1000) if area % 100 != _SERVICE_CODE]
    lines = rng.choice(len(areas) * 100, size=people, replace=False)
    return np.array([f"+1-{areas[line // 100]}-555-01{line % 100:02d}" for line in lines.tolist()])


def _zips(rng: np.random.Generator, clinic: Integers) -> Texts:
    # Each clinic draws mostly on its own end of the town, and some quarters are small.
    place = np.arange(len(words.ZIPS))
    size = 1 / (1 + place % 5)
    centre = np.array([0.2, 0.5, 0.8])[clinic] * len(words.ZIPS)
    near = np.exp(-(((place - centre[:, None]) / 15) ** 2)) + 0.1
    return np.asarray(words.ZIPS)[by_row(rng, near * size)]


def _addresses(rng: np.random.Generator, people: int) -> Texts:
    street, kind = pick(rng, words.STREETS, people), pick(rng, words.STREET_KINDS, people)
    number = rng.integers(1, 180, people)
    return np.array([f"{n} {a} {b}" for n, a, b in zip(number.tolist(), street, kind, strict=True)])


def _salaries(rng: np.random.Generator, age: Integers) -> Numbers:
    career = np.exp(-(((age - 48) / 18) ** 2))
    pension = np.where(age >= _PENSION_AGE, 0.6, 1.0)
    return np.asarray(np.round(26_000 * np.exp(0.5 * career + rng.normal(0, 0.35, len(age))) * pension, 2))
