"""Check digits that are made are those of published numbers, and pass the checks of the same package.

Source: the examples of the registry of ISO 13616 (GB, ES, FR), of the Luhn formula as commonly quoted, of
GB 11643-1999, of the NHS Data Model and Dictionary, of INSEE (numéro d'inscription au répertoire), of the
Spanish police (NIE), and a test number of ELSTER (Steuer-ID).
"""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.kernel import checksums

MADE = [
    (checksums.with_luhn, "7992739871", "79927398713"),
    (checksums.with_cn_check, "11010519491231002", "11010519491231002X"),
    (checksums.with_nhs_check, "943476591", "9434765919"),
    (checksums.with_nir_key, "2550814168025", "255081416802538"),
    (checksums.with_nie_letter, "X1234567", "X1234567L"),
    (checksums.with_mod11_10, "0247629135", "02476291358"),
    (lambda body: checksums.with_iban_check("GB", body), "WEST12345698765432", "GB82WEST12345698765432"),
    (lambda body: checksums.with_iban_check("ES", body), "21000418450200051332", "ES9121000418450200051332"),
    (
        lambda body: checksums.with_iban_check("FR", body),
        "30006000011234567890189",
        "FR7630006000011234567890189",
    ),
]


@pytest.mark.parametrize(("make", "body", "whole"), MADE, ids=[whole for *_, whole in MADE])
def test_a_published_number_is_made(make, body, whole):
    assert make(body) == whole


def test_every_number_made_passes_its_check():
    random = np.random.default_rng(3)
    bodies = ["".join(map(str, row)) for row in random.integers(0, 10, (400, 15)).tolist()]
    cards = [checksums.with_luhn(body) for body in bodies]
    assert checksums.luhn(np.array([list(map(int, card)) for card in cards], np.uint8)).all()
    numbers = [checksums.with_nhs_check(body[:9]) for body in bodies]
    held = [list(map(int, number)) for number in numbers if number is not None]
    assert checksums.nhs_mod_11(np.array(held, np.uint8)).all()
    # One in eleven has a check of ten and is never used.
    assert 340 < len(held) < 390
    ibans = [checksums.with_iban_check("DE", body) for body in bodies]
    assert checksums.iban_mod_97(np.array([list(iban.encode()) for iban in ibans], np.uint8)).all()
