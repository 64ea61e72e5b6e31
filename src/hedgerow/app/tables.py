"""A table of a workspace, to which a query built step by step is put through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hedgerow.app.service import Service
from hedgerow.model.uses import Json

if TYPE_CHECKING:
    from hedgerow.techniques.dp_query.query import Query


@dataclass(frozen=True, slots=True)
class Governed:
    """A data set of a workspace, used for a purpose.

    Args:
        service: What is done in the name of who asks.
        dataset: The data set.
        purpose: Why, unless another purpose is given.
    """

    service: Service
    dataset: str
    purpose: str | None

    def answer(self, query: Query, *, purpose: str | None = None, **given: Any) -> dict[str, Json]:  # noqa: ANN401 - as there
        """Answer a query; see ``Service.query``."""
        return self.service.query(self.dataset, query, purpose=purpose or self.purpose, **_texts(given))

    def explain(self, query: Query, *, purpose: str | None = None, **given: Any) -> dict[str, Json]:  # noqa: ANN401 - as there
        """Decide a query without executing it; see ``Service.explain_query``."""
        return self.service.explain_query(
            self.dataset, query, purpose=purpose or self.purpose, **_texts(given)
        )


def _texts(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write costs as the decimals they print as."""
    kept = {name: value for name, value in given.items() if value is not None}
    return {name: value if isinstance(value, bool) else str(value) for name, value in kept.items()}
