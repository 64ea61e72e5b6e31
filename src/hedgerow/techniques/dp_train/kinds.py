"""The models that can be trained by name: how each is made, what it keeps, how it is made again of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.answers import GOVERNED
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json
from hedgerow.techniques.dp_train import declared
from hedgerow.techniques.dp_train.boosting import (
    Boosting,
    DPGradientBoostingClassifier,
    DPGradientBoostingRegressor,
)
from hedgerow.techniques.dp_train.cells import Cells
from hedgerow.techniques.dp_train.clusters import DPKMeans
from hedgerow.techniques.dp_train.components import DPPCA
from hedgerow.techniques.dp_train.decimals import numbers_json, numbers_of, wholes_of
from hedgerow.techniques.dp_train.histograms import (
    DPTreeClassifier,
    DPTreeRegressor,
    HistogramTree,
    SingleTree,
    Split,
)
from hedgerow.techniques.dp_train.linear import DPLinearRegression
from hedgerow.techniques.dp_train.logistic import DPLogisticRegression
from hedgerow.techniques.dp_train.modules import DPSequential
from hedgerow.techniques.dp_train.network import DPMLPClassifier, Layers
from hedgerow.techniques.dp_train.paying import Wish
from hedgerow.techniques.dp_train.protocol import Estimator
from hedgerow.techniques.dp_train.recommender import DPRecommender
from hedgerow.techniques.dp_train.trainable import Kind, Settings
from hedgerow.techniques.dp_train.trees import Tree

if TYPE_CHECKING:
    from hedgerow.techniques.dp_train.declared import Scaling
    from hedgerow.techniques.dp_train.inputs import Inputs

E = TypeVar("E", bound=Estimator)
Floats = npt.NDArray[np.float64]
_TREES_MOST, _SIDES_MOST = 10_000, 100_001


def kind_of(name: object) -> Kind:
    """Find a kind of model.

    Args:
        name: Its name.

    Returns:
        It.

    Raises:
        CallerError: ``train.model-unknown``.
    """
    kind = KINDS.get(str(name))
    if kind is None:
        known = ("torch:FILE" if each == "torch" else each for each in KINDS)
        raise CallerError("train.model-unknown", model=str(name)[:40], known=", ".join(known))
    return kind


def _terms(wish: Wish, budget: Budget) -> dict[str, Any]:
    return {"epsilon": wish.epsilon, "delta": wish.delta, "budget": budget}


def _places(inputs: Inputs) -> list[int]:
    """Name classes by their places; what they are called is the declaration's."""
    return list(range(len(inputs.target.classes))) if inputs.target else []


def _y_bounds(inputs: Inputs) -> tuple[float, float] | None:
    clamp = inputs.target.clamp if inputs.target else None
    return (float(clamp.lower), float(clamp.upper)) if clamp else None


def _outputs(inputs: Inputs) -> int:
    classes = len(inputs.target.classes) if inputs.target else 0
    return 1 if classes in (0, 2) else classes  # two classes need one output


def _scale(inputs: Inputs) -> Scaling:
    encoder = inputs.encoder
    return declared.scaling(encoder.bounds, None, inputs.width, encoder.row_norm)


def _known(model: E, inputs: Inputs, width: int | None = None) -> E:
    """Mark a model as trained by a governed run."""
    model.n_features_in_ = inputs.width if width is None else width
    model._standing = GOVERNED  # noqa: SLF001 - the estimators' own mark
    if inputs.target is not None and inputs.target.classes:
        model.classes_ = np.array(inputs.target.classes)
    return model


def _logistic(
    inputs: Inputs, wish: Wish, people: int, budget: Budget, settings: Settings
) -> DPLogisticRegression:
    bounds, norm = inputs.encoder.bounds, inputs.encoder.row_norm
    terms: dict[str, Any] = {"bounds": bounds, "row_norm": norm, "classes": _places(inputs)}
    return DPLogisticRegression(**_terms(wish, budget), **terms, n_public=people, **settings)


def _logistic_kept(model: DPLogisticRegression) -> dict[str, Json]:
    return {"coef": numbers_json(model.coef_), "intercept": numbers_json(model.intercept_)}


def _logistic_again(inputs: Inputs, state: Mapping[str, Any]) -> DPLogisticRegression:
    model, outputs = DPLogisticRegression(classes=_places(inputs)), _outputs(inputs)
    model.coef_ = numbers_of(state["coef"], (outputs, inputs.width))
    model.intercept_ = numbers_of(state["intercept"], (outputs,))
    return _known(model, inputs)


def _network(inputs: Inputs, wish: Wish, people: int, budget: Budget, settings: Settings) -> DPMLPClassifier:
    bounds, norm = inputs.encoder.bounds, inputs.encoder.row_norm
    terms: dict[str, Any] = {"bounds": bounds, "row_norm": norm, "classes": _places(inputs)}
    return DPMLPClassifier(**_terms(wish, budget), **terms, n_public=people, **settings)


def _network_kept(model: DPMLPClassifier) -> dict[str, Json]:
    return {"inner": numbers_json(model.layers_.inner), "outer": numbers_json(model.layers_.outer)}


def _network_again(inputs: Inputs, state: Mapping[str, Any]) -> DPMLPClassifier:
    hidden = len(state["inner"])
    model = DPMLPClassifier(classes=_places(inputs), hidden=hidden)
    inner = numbers_of(state["inner"], (hidden, inputs.width + 1))
    model.layers_ = Layers(inner, numbers_of(state["outer"], (_outputs(inputs), hidden + 1)))
    model._scale = _scale(inputs)  # noqa: SLF001 - what its fit leaves
    return _known(model, inputs)


def _linear(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - one shape for all
    budget: Budget,
    settings: Settings,
) -> DPLinearRegression:
    bounds, norm = inputs.encoder.bounds, inputs.encoder.row_norm
    terms: dict[str, Any] = {"bounds": bounds, "row_norm": norm, "y_bounds": _y_bounds(inputs)}
    return DPLinearRegression(**_terms(wish, budget), **terms, **settings)


def _linear_kept(model: DPLinearRegression) -> dict[str, Json]:
    return {"coef": numbers_json(model.coef_), "intercept": repr(float(model.intercept_))}


def _linear_again(inputs: Inputs, state: Mapping[str, Any]) -> DPLinearRegression:
    model = DPLinearRegression()
    model.coef_ = numbers_of(state["coef"], (inputs.width,))
    model.intercept_ = float(numbers_of([state["intercept"]], (1,))[0])
    return _known(model, inputs)


def _boosting(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - as above
    budget: Budget,
    settings: Settings,
) -> Boosting:
    terms: dict[str, Any] = _terms(wish, budget) | {
        "bounds": inputs.encoder.bounds,
        "groups": inputs.encoder.groups,
    }
    if inputs.target is not None and inputs.target.classes:
        return DPGradientBoostingClassifier(**terms, classes=_places(inputs), **settings)
    return DPGradientBoostingRegressor(**terms, y_bounds=_y_bounds(inputs), **settings)


def _boosting_kept(model: Boosting) -> dict[str, Json]:
    trees: list[Json] = [
        {
            "groups": list(tree.groups),
            "parts": [[int(side) for side in part] for part in tree.parts],
            "values": numbers_json(tree.values),
        }
        for tree in model.trees_
    ]
    return {"bins": int(model.bins), "trees": trees}


def _boosting_again(inputs: Inputs, state: Mapping[str, Any]) -> Boosting:
    encoder, bins = inputs.encoder, declared.whole(state["bins"], "bins", _TREES_MOST)
    terms: dict[str, Any] = {"bounds": encoder.bounds, "groups": encoder.groups, "bins": bins}
    lower, upper = declared.bound_pairs(encoder.bounds, None, inputs.width).T
    cells = Cells(tuple(encoder.groups), lower, upper, bins)
    told = state["trees"]
    if not 1 <= len(told) <= _TREES_MOST:
        raise ValueError("so many trees")
    model: Boosting
    if inputs.target is not None and inputs.target.classes:
        model = DPGradientBoostingClassifier(**terms, classes=_places(inputs))
    else:
        regressor = DPGradientBoostingRegressor(**terms, y_bounds=_y_bounds(inputs))
        regressor._middle, regressor._half = regressor._target()  # noqa: SLF001 - what its fit leaves
        model = regressor
    model.cells_ = cells
    model.trees_ = tuple(_tree(each, cells, _outputs(inputs)) for each in told)
    return _known(model, inputs)


def _tree(told: Mapping[str, Any], cells: Cells, outputs: int) -> Tree:
    groups = tuple(int(group) for group in wholes_of(told["groups"], len(cells.groups)))
    parts = tuple(wholes_of(part, _SIDES_MOST) for part in told["parts"])
    if len(parts) != len(groups) or not groups:
        raise ValueError("parts of a tree")
    if any(len(part) != cells.count(group) for group, part in zip(groups, parts, strict=True)):
        raise ValueError("cells of a tree")
    leaves = Tree(groups, parts, np.zeros((0, outputs))).leaves
    return Tree(groups, parts, numbers_of(told["values"], (leaves, outputs)))


def _clusters(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - as above
    budget: Budget,
    settings: Settings,
) -> DPKMeans:
    encoder = inputs.encoder
    terms: dict[str, Any] = {"bounds": encoder.bounds, "row_norm": encoder.row_norm}
    return DPKMeans(**_terms(wish, budget), **terms, **settings)


def _clusters_kept(model: DPKMeans) -> dict[str, Json]:
    return {"centres": numbers_json(model._centres)}  # noqa: SLF001 - those of scaled rows, which predict needs


def _clusters_again(inputs: Inputs, state: Mapping[str, Any]) -> DPKMeans:
    count, scale = len(state["centres"]), _scale(inputs)
    model = DPKMeans(n_clusters=count)
    model._centres = numbers_of(state["centres"], (count, inputs.width))  # noqa: SLF001 - what its fit leaves
    model._scale = scale  # noqa: SLF001 - as above
    model.cluster_centers_ = model._centres * (scale.reach * scale.row_norm) + scale.offset  # noqa: SLF001
    return _known(model, inputs)


def _components(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - as above
    budget: Budget,
    settings: Settings,
) -> DPPCA:
    encoder = inputs.encoder
    terms: dict[str, Any] = {"bounds": encoder.bounds, "row_norm": encoder.row_norm}
    return DPPCA(**_terms(wish, budget), **terms, **settings)


def _components_kept(model: DPPCA) -> dict[str, Json]:
    return {
        "mean": numbers_json(model.mean_),
        "components": numbers_json(model.components_),
        "variance": numbers_json(model.explained_variance_),
        "share": numbers_json(model.explained_variance_ratio_),
    }


def _components_again(inputs: Inputs, state: Mapping[str, Any]) -> DPPCA:
    kept = len(state["components"])
    model = DPPCA(n_components=kept)
    model.mean_ = numbers_of(state["mean"], (inputs.width,))
    model.components_ = numbers_of(state["components"], (kept, inputs.width))
    model.explained_variance_ = numbers_of(state["variance"], (kept,))
    model.explained_variance_ratio_ = numbers_of(state["share"], (kept,))
    model.n_components_ = kept
    return _known(model, inputs)


def _recommender(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - as above
    budget: Budget,
    settings: Settings,
) -> DPRecommender:
    return DPRecommender(**_terms(wish, budget), items=_catalogue(inputs), **settings)


def _catalogue(inputs: Inputs) -> list[object]:
    """Give the items: the declared keys of the one column that is read."""
    if len(inputs.categories) != 1 or inputs.numbers:
        raise CallerError("train.one-column")
    return list(inputs.categories[0].values)


def _bought(inputs: Inputs, features: Floats) -> npt.NDArray[np.object_]:
    """Turn marks back into items; a row of none is no item."""
    items = np.array([*_catalogue(inputs), None], dtype=object)
    return items[np.where(features.any(axis=1), features.argmax(axis=1), len(items) - 1)]


def _recommender_kept(model: DPRecommender) -> dict[str, Json]:
    return {"factors": numbers_json(model.item_factors_), "popularity": numbers_json(model.popularity_)}


def _recommender_again(inputs: Inputs, state: Mapping[str, Any]) -> DPRecommender:
    items = _catalogue(inputs)
    model = DPRecommender(items=items)
    model.items_ = tuple(items)
    model.item_factors_ = numbers_of(state["factors"], (len(items), len(state["factors"][0])))
    model.popularity_ = numbers_of(state["popularity"], (len(items),))
    return _known(model, inputs, 1)


def _single(
    inputs: Inputs,
    wish: Wish,
    people: int,  # noqa: ARG001 - as above
    budget: Budget,
    settings: Settings,
) -> SingleTree:
    return _single_of(inputs, **_terms(wish, budget), **settings)


def _single_of(inputs: Inputs, **settings: Any) -> SingleTree:  # noqa: ANN401 - those of the estimator
    encoder = inputs.encoder
    terms: dict[str, Any] = {"bounds": encoder.bounds, "groups": encoder.groups} | settings
    if inputs.target is not None and inputs.target.classes:
        return DPTreeClassifier(**terms, classes=_places(inputs))
    return DPTreeRegressor(**terms, y_bounds=_y_bounds(inputs))


def _single_kept(model: SingleTree) -> dict[str, Json]:
    splits: list[Json] = [
        {"group": int(split.group), "sides": [int(side) for side in split.sides]}
        for split in model.tree_.splits
    ]
    return {"bins": int(model.bins), "splits": splits, "leaves": numbers_json(model.tree_.leaves)}


def _single_again(inputs: Inputs, state: Mapping[str, Any]) -> SingleTree:
    encoder, bins = inputs.encoder, declared.whole(state["bins"], "bins", _TREES_MOST)
    lower, upper = declared.bound_pairs(encoder.bounds, None, inputs.width).T
    cells, leaves = Cells(tuple(encoder.groups), lower, upper, bins), len(state["leaves"])
    groups = wholes_of([each["group"] for each in state["splits"]], len(cells.groups))
    sides = [wholes_of(each["sides"], 2) for each in state["splits"]]
    is_whole = leaves >= 2 and leaves & (leaves - 1) == 0 and len(sides) == leaves - 1  # noqa: PLR2004 - a power
    if not is_whole or any(len(part) != cells.count(int(g)) for g, part in zip(groups, sides, strict=True)):
        raise ValueError("splits of a tree")
    model = _single_of(inputs, bins=bins, depth=leaves.bit_length() - 1)
    if isinstance(model, DPTreeRegressor):
        model._middle, model._half = model._target()  # noqa: SLF001 - what its fit leaves
    parts = len(_places(inputs)) or 2
    splits = tuple(Split(int(group), part) for group, part in zip(groups, sides, strict=True))
    model.tree_, model.cells_ = HistogramTree(splits, numbers_of(state["leaves"], (leaves, parts))), cells
    return _known(model, inputs)


def _module(inputs: Inputs, wish: Wish, people: int, budget: Budget, settings: Settings) -> DPSequential:
    return _module_of(inputs, **_terms(wish, budget), n_public=people, **settings)


def _module_of(inputs: Inputs, **settings: Any) -> DPSequential:  # noqa: ANN401 - those of the estimator
    return DPSequential(classes=tuple(_places(inputs)), y_bounds=_y_bounds(inputs), **settings)


def _module_kept(model: DPSequential) -> dict[str, Json]:
    layers: list[Json] = [dict(each) for each in model.layers]
    return {"layers": layers, "weights": [numbers_json(each) for each in model.weights()]}


def _module_again(inputs: Inputs, state: Mapping[str, Any]) -> DPSequential:
    weights = [numbers_of(each, (len(each),)) for each in state["weights"]]
    return _known(_module_of(inputs, layers=state["layers"]).with_weights(weights, inputs.width), inputs)


_NOISE = "discrete Gaussian noise"
KINDS: dict[str, Kind] = {
    "logistic": Kind(
        aim="class",
        needs_people=True,
        make=_logistic,
        keep=_logistic_kept,
        take=_logistic_again,
        candidates=({}, {"clip": 0.2, "steps": 30}, {"clip": 0.6, "steps": 100}),
        mechanism=f"noisy gradient descent on exact sums, {_NOISE}",
        clipped="a third of the longest row in each gradient",
        batches=3,
    ),
    "linear": Kind(
        aim="number",
        needs_people=False,
        make=_linear,
        keep=_linear_kept,
        take=_linear_again,
        candidates=({},),
        mechanism=f"one noisy measurement of all products, {_NOISE}",
        clipped="the root of 2 in all products of a row of length 1",
    ),
    "mlp": Kind(
        aim="class",
        needs_people=True,
        make=_network,
        keep=_network_kept,
        take=_network_again,
        candidates=({}, {"hidden": 16}, {"hidden": 16, "steps": 60}),
        mechanism=f"noisy gradient descent of a network with one hidden layer, {_NOISE}",
        clipped="a third of the longest row in each gradient",
        batches=3,
    ),
    "gbdt": Kind(
        aim="either",
        needs_people=False,
        make=_boosting,
        keep=_boosting_kept,
        take=_boosting_again,
        candidates=({}, {"cycles": 3}, {"cycles": 6, "learning_rate": 0.3}),
        mechanism=f"trees split by chance at public places, leaves of noisy sums, {_NOISE}",
        clipped="a half in the sums of each tree",
    ),
    "tree": Kind(
        aim="either",
        needs_people=False,
        make=_single,
        keep=_single_kept,
        take=_single_again,
        candidates=({}, {"depth": 2}, {"depth": 2, "bins": 4}),
        mechanism=f"one tree, split and read by noisy histograms of public cells, {_NOISE}",
        clipped="one row in the histograms of all columns at each level",
    ),
    "kmeans": Kind(
        aim="none",
        needs_people=False,
        make=_clusters,
        keep=_clusters_kept,
        take=_clusters_again,
        candidates=({},),
        mechanism=f"centres measured anew each round, {_NOISE}",
        clipped="the length of one scaled row in each round",
    ),
    "pca": Kind(
        aim="none",
        needs_people=False,
        make=_components,
        keep=_components_kept,
        take=_components_again,
        candidates=({},),
        mechanism=f"one noisy measurement of all products, {_NOISE}",
        clipped="the length of one scaled row in all its products",
    ),
    "recommender": Kind(
        aim="none",
        needs_people=False,
        make=_recommender,
        keep=_recommender_kept,
        take=_recommender_again,
        candidates=({},),
        mechanism=f"one noisy measurement of what is bought together, {_NOISE}",
        clipped="a row of length 1, however much was bought",
        given=_bought,
    ),
    "torch": Kind(
        aim="either",
        needs_people=True,
        make=_module,
        keep=_module_kept,
        take=_module_again,
        candidates=({},),
        mechanism=f"noisy gradient descent of layers in PyTorch, {_NOISE}",
        clipped="a length of 1 in each gradient, over all layers together",
        batches=3,
        batch=256,
    ),
}
