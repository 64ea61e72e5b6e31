"""Noise for exact integers: discrete Laplace and Gaussian from OpenDP, and a stream for long vectors."""

from __future__ import annotations

from hedgerow.kernel.noise.gaussian import add_gaussian, gaussian_scale
from hedgerow.kernel.noise.laplace import add_laplace, half_width, laplace_scale

__all__ = ["add_gaussian", "add_laplace", "gaussian_scale", "half_width", "laplace_scale"]
