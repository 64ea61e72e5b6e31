"""Data frames of others, told apart without importing what they are of."""

from __future__ import annotations

from typing import Any


def is_spark(frame: Any) -> bool:  # noqa: ANN401 - any data frame
    """Tell whether a value is a DataFrame of PySpark, without importing it.

    Args:
        frame: Any value.

    Returns:
        Whether it is one.
    """
    return any(each.__module__.startswith("pyspark.sql") for each in type(frame).__mro__[:-1]) and hasattr(
        frame, "sparkSession"
    )
