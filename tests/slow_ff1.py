"""FF1 as NIST SP 800-38G writes it, one number at a time in whole numbers: what the fast one is held to.

It shares nothing with the product but the block cipher.
"""

from __future__ import annotations

from math import ceil

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB


def ciph(key, block):
    return Cipher(AES(key), ECB()).encryptor().update(block)  # noqa: S305 - the block cipher itself


def prf(key, text):
    """Algorithm 6: the CBC-MAC."""
    state = bytes(16)
    for at in range(0, len(text), 16):
        state = ciph(key, bytes(a ^ b for a, b in zip(state, text[at : at + 16], strict=True)))
    return state


def number(numerals, radix):
    value = 0
    for numeral in numerals:
        value = value * radix + numeral
    return value


def numerals_of(value, radix, length):
    made = []
    for _ in range(length):
        value, rest = divmod(value, radix)
        made.append(rest)
    return made[::-1]


def added(key, radix, tweak, n, turn, half):
    """Steps 6.i to 6.iv of algorithm 7."""
    u, v = n // 2, n - n // 2
    bits = (radix**v - 1).bit_length()
    b = ceil(bits / 8)
    d = 4 * ceil(b / 4) + 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256])
    p += n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    q = tweak + bytes((-len(tweak) - b - 1) % 16) + bytes([turn]) + number(half, radix).to_bytes(b, "big")
    r = prf(key, p + q)
    s = r
    for j in range(1, ceil(d / 16)):
        s += ciph(key, bytes(x ^ y for x, y in zip(r, j.to_bytes(16, "big"), strict=True)))
    return int.from_bytes(s[:d], "big")


def encrypt(key, radix, tweak, numerals):
    """Algorithm 7."""
    n = len(numerals)
    u, v = n // 2, n - n // 2
    a, b = list(numerals[:u]), list(numerals[u:])
    for turn in range(10):
        m = u if turn % 2 == 0 else v
        c = (number(a, radix) + added(key, radix, tweak, n, turn, b)) % radix**m
        a, b = b, numerals_of(c, radix, m)
    return a + b


def decrypt(key, radix, tweak, numerals):
    """Algorithm 8."""
    n = len(numerals)
    u, v = n // 2, n - n // 2
    a, b = list(numerals[:u]), list(numerals[u:])
    for turn in range(9, -1, -1):
        m = u if turn % 2 == 0 else v
        c = (number(b, radix) - added(key, radix, tweak, n, turn, a)) % radix**m
        a, b = numerals_of(c, radix, m), a
    return a + b
