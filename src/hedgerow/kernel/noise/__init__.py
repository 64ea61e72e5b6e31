"""Noise for exact integers: discrete Laplace from OpenDP, its scale and its half-widths."""

from __future__ import annotations

from hedgerow.kernel.noise.laplace import add_laplace, half_width, laplace_scale

__all__ = ["add_laplace", "half_width", "laplace_scale"]
