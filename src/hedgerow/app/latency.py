"""How long an answer takes can tell of the data: in a bucket, it is given back at few moments only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Timer

_UNITS = {"": Fraction(1), "s": Fraction(1), "ms": Fraction(1, 1000), "m": Fraction(60)}
_LEAST, _MOST = Fraction(1, 1000), Fraction(3600)
_NANO = 10**9


def parse_latency(text: str | float | Fraction) -> int:
    """Read the length of a bucket.

    Args:
        text: Seconds as a decimal, with or without ``s``, or with ``ms`` or ``m`` for milliseconds or
            minutes; 1 millisecond to 1 hour.

    Returns:
        Nanoseconds.

    Raises:
        CallerError: ``latency.malformed``.
    """
    found = re.fullmatch(r"(\d{1,7}(?:\.\d{1,9})?)\s*(ms|s|m|)", str(text).strip(), re.ASCII)
    length = Fraction(found[1]) * _UNITS[found[2]] if found else Fraction(0)
    if not _LEAST <= length <= _MOST:
        raise CallerError("latency.malformed")
    return int(length * _NANO)


def release_at(taken_ns: int, bucket_ns: int) -> int:
    """Tell when what took so long may be given back.

    Args:
        taken_ns: Since the start, 0 or more.
        bucket_ns: The bucket, 1 or more.

    Returns:
        The bucket times the least power of two that is not below what it took.
    """
    moment = bucket_ns
    while moment < taken_ns:
        moment *= 2
    return moment


@contextmanager
def bucketed(bucket_ns: int | None, timer: Timer) -> Iterator[None]:
    """Give back what a block comes to, an answer or an error of any kind, only at the end of a bucket.

    Args:
        bucket_ns: The bucket; none to give everything back at once.
        timer: Tells time and waits.

    Guarantee: whatever the block does, it ends at ``bucket * 2**k`` after it began, so that how long it took
        tells no more than ``k``; apart from what the machine adds after a wait. An interruption by the
        person at the terminal is not held back.
    Source: Haeberlen, Pierce, Narayan 2011 ("Differential privacy under fire"), who let every query take the
        same time; the doubling is that of Askarov, Zhang, Myers 2010 ("Predictive black-box mitigation").
    """
    if bucket_ns is None:
        yield
        return
    began = timer.now_ns()
    try:
        yield
    except Exception:
        _hold(began, bucket_ns, timer)
        raise
    _hold(began, bucket_ns, timer)


def _hold(began: int, bucket_ns: int, timer: Timer) -> None:
    moment = began + release_at(timer.now_ns() - began, bucket_ns)
    # A wait may end early.
    while (left := moment - timer.now_ns()) > 0:
        timer.wait_ns(left)
