"""Proves that noise loads nothing of the extras, which take seconds, where they are installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.extra

DRAW = """
import sys
from fractions import Fraction
from hedgerow.kernel.noise.laplace import _measurement
_measurement(2.0)([1, 2])
print(*sorted({"pandas", "polars", "sklearn", "scipy", "torch"} & set(sys.modules)))
"""


def test_drawing_noise_loads_no_package_of_an_extra():
    pytest.importorskip("sklearn")
    drawn = subprocess.run([sys.executable, "-c", DRAW], capture_output=True, text=True, check=True)
    assert drawn.stdout.split() == []
