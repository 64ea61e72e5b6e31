"""FF1 gives the nine samples of NIST, forth and back, on the path of machine words and on that of any size.

Source: NIST, FF1 samples 1 to 9 (FF1samples.pdf, examples with intermediate values for SP 800-38G): AES-128,
AES-192 and AES-256, decimal without and with a tweak, radix 36 with a tweak.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests import slow_ff1

from hedgerow.kernel.tokens import ff1
from hedgerow.kernel.tokens.ff1 import FF1
from hedgerow.model.errors import CallerError

KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
SYMBOLS = "0123456789abcdefghijklmnopqrstuvwxyz"
TEN, WORD = bytes.fromhex("39383736353433323130"), bytes.fromhex("3737373770717273373737")
LONG = "0123456789abcdefghi"
SAMPLES = [
    (1, 16, 10, b"", "0123456789", "2433477484"),
    (2, 16, 10, TEN, "0123456789", "6124200773"),
    (3, 16, 36, WORD, LONG, "a9tv40mll9kdu509eum"),
    (4, 24, 10, b"", "0123456789", "2830668132"),
    (5, 24, 10, TEN, "0123456789", "2496655549"),
    (6, 24, 36, WORD, LONG, "xbj3kv35jrawxv32ysr"),
    (7, 32, 10, b"", "0123456789", "6657667009"),
    (8, 32, 10, TEN, "0123456789", "1001623463"),
    (9, 32, 36, WORD, LONG, "xs8a0azh2avyalyzuwd"),
]


def numerals(text):
    return np.array([[SYMBOLS.index(symbol) for symbol in text]], np.uint8)


@pytest.mark.parametrize("words", [True, False], ids=["words", "whole-numbers"])
@pytest.mark.parametrize(
    ("size", "radix", "tweak", "plain", "made"), [s[1:] for s in SAMPLES], ids=range(1, 10)
)
def test_the_samples_of_nist(size, radix, tweak, plain, made, words, monkeypatch):
    if not words:
        monkeypatch.setattr(ff1, "_EXACT_BITS", 0)
    cipher = FF1(KEY[:size], radix, tweak)
    assert cipher.encrypt(numerals(plain)).tolist() == numerals(made).tolist()
    assert cipher.decrypt(numerals(made)).tolist() == numerals(plain).tolist()


@pytest.mark.parametrize(
    ("size", "radix", "tweak", "plain", "made"), [s[1:] for s in SAMPLES], ids=range(1, 10)
)
def test_the_slow_one_that_others_are_held_to_gives_them_too(size, radix, tweak, plain, made):
    row = numerals(plain)[0].tolist()
    encrypted = slow_ff1.encrypt(KEY[:size], radix, tweak, row)
    assert "".join(SYMBOLS[numeral] for numeral in encrypted) == made
    assert slow_ff1.decrypt(KEY[:size], radix, tweak, encrypted) == row


@pytest.mark.parametrize(("radix", "least"), [(2, 20), (10, 6), (26, 5), (36, 4), (200, 3)])
def test_the_least_length_gives_a_million_values(radix, least):
    assert radix**least >= 1_000_000 > radix ** (least - 1)
    cipher = FF1(KEY, radix)
    assert cipher.min_numerals == least
    cipher.encrypt(np.zeros((1, least), np.uint8))
    with pytest.raises(CallerError) as told:
        cipher.encrypt(np.zeros((1, least - 1), np.uint8))
    assert told.value.code == "tokens.domain-small"


def test_what_is_not_a_number_of_the_radix_is_refused():
    with pytest.raises(ValueError, match="below the radix"):
        FF1(KEY, 10).encrypt(np.full((1, 8), 10, np.uint8))
    with pytest.raises(CallerError) as told:
        FF1(KEY, 10).encrypt(np.zeros((1, 1025), np.uint8))
    assert told.value.code == "tokens.too-long"


@pytest.mark.parametrize(
    ("key", "radix", "tweak"),
    [(KEY[:15], 10, b""), (KEY, 1, b""), (KEY, 257, b""), (KEY, 10, bytes(1 << 16))],
)
def test_keys_radixes_and_tweaks_of_another_size_are_refused(key, radix, tweak):
    with pytest.raises(ValueError):
        FF1(key, radix, tweak)


def test_nothing_of_the_key_is_shown():
    assert repr(FF1(KEY, 10)) == "FF1(radix=10)"
