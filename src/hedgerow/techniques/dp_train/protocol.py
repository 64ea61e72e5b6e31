"""What scikit-learn asks of an estimator, without importing it."""

from __future__ import annotations

import inspect
import sys
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget
from hedgerow.model.answers import UNGOVERNED
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_train import arrays

Floats = npt.NDArray[np.float64]
# Taken by constructors only to be refused: tools that seed whatever can be seeded find no such parameter.
_SEED = "random_state"


class NotFittedError(CallerError, ValueError, AttributeError):
    """A model was asked before it was trained."""


class Estimator:
    """Parameters by name, and the state that training leaves."""

    KIND: ClassVar[str] = ""
    _standing: str = UNGOVERNED
    budget_: Budget
    n_features_in_: int
    classes_: npt.NDArray[np.generic]
    feature_names_in_: npt.NDArray[np.object_]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002 - scikit-learn's own
        """Tell the parameters.

        Args:
            deep: Taken for scikit-learn; there is nothing inside to descend into.

        Returns:
            Every parameter by name, as it was given.
        """
        return {name: getattr(self, name) for name in _parameters(type(self))}

    def set_params(self, **parameters: object) -> Estimator:
        """Change parameters.

        Args:
            parameters: By name.

        Returns:
            The same estimator.

        Raises:
            CallerError: ``learn.bad-parameter`` for a name that there is not.
        """
        known = _parameters(type(self))
        for name, value in parameters.items():
            if name not in (*known, _SEED):
                advice = f"Known are: {', '.join(known)}."
                raise arrays.UnreadableError("learn.bad-parameter", parameter=name, advice=advice)
            setattr(self, name, value)
        return self

    @property
    def standing_(self) -> str:
        """Say whether a ledger knows of the training."""
        self._checked_fitted()
        return self._standing

    def __repr__(self) -> str:
        names = _parameters(type(self))
        shown = [f"{n}={getattr(self, n)!r}" for n in ("epsilon", "delta", "n_public") if n in names]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - asked by scikit-learn, whose type it is
        from sklearn.utils import (
            ClassifierTags,
            InputTags,
            RegressorTags,
            Tags,
            TargetTags,
            TransformerTags,
        )

        return Tags(
            estimator_type=self.KIND,
            target_tags=TargetTags(required=self.KIND in ("classifier", "regressor")),
            transformer_tags=TransformerTags() if self.KIND == "transformer" else None,
            classifier_tags=ClassifierTags() if self.KIND == "classifier" else None,
            regressor_tags=RegressorTags() if self.KIND == "regressor" else None,
            input_tags=InputTags(),
            non_deterministic=True,
        )

    def _taken(self, values: Any) -> Floats:  # noqa: ANN401 - arrays and frames of several libraries
        """Read X of a trained model and compare its columns with those it was trained on."""
        self._checked_fitted()
        features, names = arrays.matrix(values)
        if features.shape[1] != self.n_features_in_:
            name = type(self).__name__
            problem = (
                f"X has {features.shape[1]} features, "
                f"but {name} is expecting {self.n_features_in_} features as input"
            )
            raise arrays.UnreadableError("learn.bad-shape", name="X", problem=problem)
        known = getattr(self, "feature_names_in_", None)
        if names is not None and known is not None and list(known) != names:
            problem = "the feature names should match those that were passed during fit"
            raise arrays.UnreadableError("learn.bad-shape", name="X", problem=problem)
        return features

    def _note_columns(self, features: Floats, names: list[str] | None) -> None:
        self.n_features_in_ = features.shape[1]
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _checked_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise _not_fitted()


def _not_fitted() -> Exception:
    """Speak scikit-learn's own error where it is loaded, so that its tools know it."""
    if "sklearn" not in sys.modules:
        return NotFittedError("learn.not-fitted")
    from sklearn.exceptions import NotFittedError as Theirs

    kind = type("NotFittedError", (NotFittedError, Theirs), {})
    return kind("learn.not-fitted")  # type: ignore[no-any-return]


def _parameters(kind: type) -> list[str]:
    signature = inspect.signature(kind.__init__)  # type: ignore[misc]
    return sorted(name for name in signature.parameters if name not in ("self", _SEED))
