"""A table of a workspace, to which a query built step by step is put through the gate."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from hedgerow.app.calls import called, decimal
from hedgerow.app.service import Service
from hedgerow.model.uses import Json

if TYPE_CHECKING:
    from hedgerow.techniques.dp_query.query import Query


Loss: TypeAlias = "str | float | Decimal | Fraction | None"


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

    @called("answer")
    def answer(  # noqa: PLR0913 - the words of a query
        self,
        query: Query,
        /,
        *,
        epsilon: Loss = None,
        rho: Loss = None,
        discover_keys: Loss = None,
        unit: str | None = None,
        engine: str | None = None,
        purpose: str | None = None,
        request_id: str | None = None,
        fresh: bool = False,
        latency: Loss = None,
    ) -> dict[str, Json]:
        """Answer a query; see ``Service.query``."""
        return self.service.query(
            self.dataset,
            query,
            purpose=purpose or self.purpose,
            epsilon=decimal(epsilon),
            rho=decimal(rho),
            discover_keys=decimal(discover_keys),
            unit=unit,
            engine=engine,
            request_id=request_id,
            fresh=fresh,
            latency=decimal(latency),
        )

    @called("explain")
    def explain(
        self,
        query: Query,
        /,
        *,
        epsilon: Loss = None,
        rho: Loss = None,
        discover_keys: Loss = None,
        unit: str | None = None,
        engine: str | None = None,
        purpose: str | None = None,
        fresh: bool = False,
    ) -> dict[str, Json]:
        """Decide a query without executing it; see ``Service.explain_query``."""
        return self.service.explain_query(
            self.dataset,
            query,
            purpose=purpose or self.purpose,
            epsilon=decimal(epsilon),
            rho=decimal(rho),
            discover_keys=decimal(discover_keys),
            unit=unit,
            engine=engine,
            fresh=fresh,
        )
