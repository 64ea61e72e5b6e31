"""Proves the check digits against published numbers, and that changing any one digit is caught.

Sources: Luhn, ISO/IEC 7812-1 and the test cards of the payment networks; NHS Data Dictionary (943 476 5919);
GB 11643-1999 annex (11010519491231002X); ISO 13616 registry examples (GB, DE, NO); Verhoeff 1969 (2363);
PESEL example of the Polish register (44051401359).
"""

from __future__ import annotations

import numpy as np
import pytest

from hedgerow.kernel import checksums


def digits(*numbers):
    rows = [[10 if mark == "X" else int(mark) for mark in number] for number in numbers]
    return np.array(rows, dtype=np.uint8)


VECTORS = [
    (checksums.luhn, "4111111111111111", "4111111111111112"),
    (checksums.luhn, "79927398713", "79927398710"),
    (checksums.luhn, "378282246310005", "378282246310006"),
    (checksums.nhs_mod_11, "9434765919", "9434765918"),
    (checksums.cn_resident_id, "11010519491231002X", "110105194912310021"),
    (checksums.aadhaar_verhoeff, "2363", "2364"),
    (checksums.bsn_eleven, "111222333", "111222334"),
    (checksums.pesel_mod_10, "44051401359", "44051401358"),
    (checksums.cpf_two_checks, "11144477735", "11144477736"),
    (checksums.ssn_structure, "219099999", "666099999"),
]


@pytest.mark.parametrize(("check", "good", "bad"), VECTORS)
def test_published_numbers(check, good, bad):
    assert check(digits(good, bad)).tolist() == [True, False]


@pytest.mark.parametrize(("check", "good"), [(check, good) for check, good, _ in VECTORS[:-1]])
def test_any_single_wrong_digit_is_caught(check, good):
    last = len(good) - 1
    wrong = [
        good[:at] + str(other) + good[at + 1 :]
        for at in range(len(good))
        for other in range(10)
        if str(other) != good[at] and not (at == last and good[at] == "X")
    ]
    assert not check(digits(*wrong)).any()


def test_verhoeff_catches_swaps():
    assert not checksums.aadhaar_verhoeff(digits("3263", "2633", "2336")).any()


def test_iban():
    texts = ["GB82WEST12345698765432", "GB82WEST12345698765431", "GB28WEST12345698765432"]
    matrix = np.array([list(text.encode()) for text in texts], dtype=np.uint8)
    assert checksums.iban_mod_97(matrix).tolist() == [True, False, False]
    for text in ("DE89370400440532013000", "NO9386011117947"):
        assert checksums.iban_mod_97(np.array([list(text.encode())], dtype=np.uint8)).all()


def test_no_rows_is_no_rows():
    for check, good, _ in VECTORS:
        assert check(np.zeros((0, len(good)), np.uint8)).shape == (0,)


def test_zeros_are_no_person():
    assert not checksums.nhs_mod_11(digits("0" * 10)).any()
    assert not checksums.bsn_eleven(digits("0" * 9)).any()
    assert not checksums.cpf_two_checks(digits("1" * 11)).any()
