"""The three clinics: visits whose measures follow age and illness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.app.demo.town import words
from hedgerow.app.demo.town.draw import by_row, pick, some, stream
from hedgerow.app.demo.town.residents import CLINICS, illness_weights

if TYPE_CHECKING:
    from hedgerow.app.demo.town.draw import Integers, Numbers, Texts
    from hedgerow.app.demo.town.residents import Residents

MAX_VISITS = 6
_USUAL_WARD_SHARE = 0.8
_NAMES = np.array([row[0] for row in words.DIAGNOSES])
_WARDS = np.array([row[3] for row in words.DIAGNOSES])
_LASTING = np.array([row[4] for row in words.DIAGNOSES])
_RAISES_PRESSURE = np.char.startswith(_NAMES, "I")
_RAISES_SUGAR = np.char.startswith(_NAMES, "E11")


def clinic_tables(seed: int, residents: Residents) -> dict[str, pa.Table]:
    """Write the visits of the years 2024 and 2025.

    Args:
        seed: 0 or more.
        residents: The register.

    Returns:
        One table a clinic; each resident visits the home clinic 1 to 6 times, and some
        residents a second clinic once or twice.
    """
    rng = stream(seed, "clinics")
    pressure = rng.normal(0, 8, len(residents))
    roaming = some(rng, len(residents), 0.15)
    tables = {}
    for place, clinic in enumerate(CLINICS):
        person = _visitors(rng, residents, place, roaming)
        tables[f"clinic_{clinic}_visits"] = _visits(rng, residents, person, clinic, pressure)
    return tables


def _visitors(rng: np.random.Generator, residents: Residents, place: int, roaming: Integers) -> Integers:
    home = np.flatnonzero(residents.clinic == place)
    guests = roaming[(residents.clinic[roaming] + 1) % len(CLINICS) == place]
    often = 1 + rng.binomial(MAX_VISITS - 1, 0.1 + 0.004 * residents.age[home])
    rarely = rng.integers(1, 3, len(guests))
    return np.repeat(np.concatenate([home, guests]), np.concatenate([often, rarely]))


def _visits(
    rng: np.random.Generator, residents: Residents, person: Integers, clinic: str, pressure: Numbers
) -> pa.Table:
    day = np.datetime64("2024-01-01") + rng.integers(0, 731, len(person))
    order = np.lexsort((person, day))
    person, day = person[order], day[order]
    illness = _illnesses(rng, residents, person)
    return pa.table(
        {
            "visit_id": np.array(
                [f"V{clinic[0].upper()}-{number:06d}" for number in range(1, len(person) + 1)], "U12"
            ),
            "patient_ref": residents.ref[person],
            "full_name": residents.full_name[person],
            "email": residents.email[person],
            "phone": residents.phone[person],
            "birth_date": residents.birth_date[person],
            "sex": residents.sex[person],
            "zip": residents.zip_code[person],
            "ward": _wards(rng, illness),
            "age": residents.age[person],
            "diagnosis": _NAMES[illness],
            "systolic": _systolic(rng, residents.age[person], illness, pressure[person]),
            "hba1c": _hba1c(rng, residents.age[person], illness),
            "visit_date": day,
        }
    )


def _illnesses(rng: np.random.Generator, residents: Residents, person: Integers) -> Integers:
    usual = residents.illness[person]
    passing = by_row(rng, illness_weights(residents.age[person], residents.sex[person]) * ~_LASTING)
    stays = rng.random(len(person)) < np.where(_LASTING[usual], 0.8, 0.3)
    return np.where(stays, usual, passing)


def _wards(rng: np.random.Generator, illness: Integers) -> Texts:
    return np.where(
        rng.random(len(illness)) < _USUAL_WARD_SHARE,
        _WARDS[illness],
        pick(rng, ("A", "B", "C"), len(illness)),
    )


def _systolic(rng: np.random.Generator, age: Integers, illness: Integers, own: Numbers) -> Integers:
    value = 98 + 0.5 * age + 12 * _RAISES_PRESSURE[illness] + own + rng.normal(0, 6, len(age))
    return np.clip(np.rint(value), 80, 220).astype(np.int64)


def _hba1c(rng: np.random.Generator, age: Integers, illness: Integers) -> Numbers:
    value = 4.9 + 0.01 * age + 2.1 * _RAISES_SUGAR[illness] + rng.normal(0, 0.35, len(age))
    return np.asarray(np.round(np.clip(value, 4.0, 14.0), 1))
