"""What a caller may ask: checked and made exact before any data is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from hedgerow.model.anonymity import Hierarchy, LossMean, ReleaseParameters
from hedgerow.model.budget import parse_decimal
from hedgerow.model.criteria import (
    DeltaPresence,
    KMap,
    Model,
    PopulationUniqueness,
    TCloseness,
    parse_models,
)
from hedgerow.model.errors import CallerError
from hedgerow.model.words import near

Share: TypeAlias = "float | int | str | Decimal | Fraction"

_LEAST = 2


def release_parameters(  # noqa: PLR0913 - keywords, each a choice of its own
    *,
    quasi: Sequence[str],
    k: int,
    sensitive: Sequence[str] = (),
    keep: Sequence[str] = (),
    suppression_limit: Share = Fraction(1, 20),
    l: int | None = None,  # noqa: E741 - the field's own word, as k
    hierarchies: Mapping[str, Hierarchy] | None = None,
    max_levels: Mapping[str, int] | None = None,
    person: str | None = None,
    models: Sequence[str | Model] = (),
    population: int | None = None,
    weights: Mapping[str, Share] | None = None,
    mean: LossMean = "arithmetic",
    most_checks: int | None = None,
) -> ReleaseParameters:
    """Check and freeze what the caller asks.

    Args:
        quasi: Quasi-identifiers, at least one.
        k: Least rows (and, with ``person``, people) in a class, at least 2.
        sensitive: Sensitive attributes, none of them a quasi-identifier.
        keep: Other columns to release as they are.
        suppression_limit: Largest share of rows dropped, 0 to 1; a float stands for the decimal it
            prints as.
        l: Least distinct sensitive values in a class, at least 2, or none.
        hierarchies: Hierarchy per quasi-identifier; those left out are built from the values.
        max_levels: Coarsest level per quasi-identifier.
        person: Column that tells whose row it is; never released.
        models: What must hold besides k: texts such as ``entropy-l(diagnosis)=3``, or models.
        population: People of the population, or none.
        weights: What each quasi-identifier counts in the loss, 0 or more, 1 where not named.
        mean: ``arithmetic`` or ``geometric``: how the losses of columns are joined.
        most_checks: Combinations of levels counted at most, at least 1, or none.

    Returns:
        The frozen parameters; whether the models have the population they need is looked at with the table.

    Raises:
        CallerError: For anything out of range, repeated or contradictory.
    """
    asked = ReleaseParameters(
        quasi=_names(quasi),
        k=k,
        sensitive=_names(sensitive),
        keep=_names(keep),
        suppression_limit=exact_share(suppression_limit),
        l=l,
        hierarchies=tuple((hierarchies or {}).items()),
        max_levels=tuple((max_levels or {}).items()),
        person=person,
        models=parse_models(models),
        population=population,
        weights=tuple((name, exact_weight(name, weight)) for name, weight in (weights or {}).items()),
        mean=mean,
        most_checks=most_checks,
    )
    check(asked, has_population=True)
    return asked


def check(asked: ReleaseParameters, *, has_population: bool = False) -> None:
    """Refuse parameters that contradict each other.

    Args:
        asked: The parameters.
        has_population: Whether a table of the population comes with them.

    Raises:
        CallerError: For anything out of range, repeated or contradictory.
    """
    if not _is_count(asked.k):
        raise CallerError("anonymity.k-too-small", k=asked.k)
    if asked.l is not None and not _is_count(asked.l):
        raise CallerError("anonymity.l-too-small", l=asked.l)
    if asked.l is not None and not asked.sensitive:
        raise CallerError("anonymity.l-without-sensitive")
    if not asked.quasi:
        raise CallerError("anonymity.no-quasi")
    if not 0 <= asked.suppression_limit <= 1:
        raise CallerError("anonymity.limit-out-of-range")
    if asked.mean not in ("arithmetic", "geometric"):
        raise CallerError("anonymity.unknown-mean", mean=asked.mean)
    if asked.most_checks is not None and asked.most_checks < 1:
        raise CallerError("anonymity.no-checks")
    _check_names(asked)
    _check_weights(asked)
    for model in asked.models:
        _check_model(asked, model, has_population=has_population)


def _check_names(asked: ReleaseParameters) -> None:
    for name in asked.sensitive:
        if name in asked.quasi:
            raise CallerError("anonymity.sensitive-is-quasi", column=name)
    for name, times in Counter(asked.columns).items():
        if times > 1:
            raise CallerError("anonymity.repeated-column", column=name)
    by_value = {model.column for model in asked.models if isinstance(model, TCloseness)}
    for name, _ in (*asked.hierarchies, *asked.max_levels):
        if name not in asked.quasi and name not in by_value:
            raise CallerError("anonymity.hierarchy-for-no-quasi", column=name)


def _check_weights(asked: ReleaseParameters) -> None:
    weights = dict(asked.weights)
    for name, weight in weights.items():
        if name not in asked.quasi:
            raise CallerError("anonymity.hierarchy-for-no-quasi", column=name)
        if weight < 0:
            raise CallerError("anonymity.bad-weight", column=name)
    if not any(weights.get(name, 1) for name in asked.quasi):
        raise CallerError("anonymity.bad-weight", column=asked.quasi[0])


def _check_model(asked: ReleaseParameters, model: Model, *, has_population: bool) -> None:
    column = getattr(model, "column", None)
    if column is not None and column not in asked.sensitive:
        raise CallerError("anonymity.model-column", model=str(model))
    climbs = isinstance(model, TCloseness) and model.distance == "hierarchical"
    if climbs and column not in dict(asked.hierarchies):
        raise CallerError("anonymity.model-hierarchy", model=str(model))
    is_table = isinstance(model, DeltaPresence) or (isinstance(model, KMap) and model.significance is None)
    if is_table and not has_population:
        raise CallerError("anonymity.model-population", model=str(model), needs="a table of the population")
    is_sized = isinstance(model, KMap | PopulationUniqueness)
    if is_sized and not has_population and asked.population is None:
        raise CallerError("anonymity.model-population", model=str(model), needs="the size of the population")


def check_columns(asked: ReleaseParameters, available: Sequence[str]) -> None:
    """Refuse columns that the table does not have exactly once.

    Args:
        asked: The parameters.
        available: The table's column names.

    Raises:
        CallerError: ``anonymity.unknown-column`` or ``anonymity.ambiguous-column``.
    """
    times = Counter(available)
    for name in asked.columns:
        if not times[name]:
            raise CallerError("anonymity.unknown-column", column=name, meant=near(name, times))
        if times[name] > 1:
            raise CallerError("anonymity.ambiguous-column", column=name)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= _LEAST


def exact_weight(name: str, value: Share) -> Fraction:
    """Read a weight exactly, at once whatever was written.

    Raises:
        CallerError: ``anonymity.bad-weight``.
    """
    weight = value if isinstance(value, Fraction) else parse_decimal(str(value))
    if weight is None:
        raise CallerError("anonymity.bad-weight", column=name)
    return weight


def exact_share(value: Share) -> Fraction:
    """Read a share exactly, at once whatever was written.

    Raises:
        CallerError: ``anonymity.limit-out-of-range``.
    """
    share = value if isinstance(value, Fraction) else parse_decimal(str(value))
    if share is None or not 0 <= share <= 1:
        raise CallerError("anonymity.limit-out-of-range")
    return share
