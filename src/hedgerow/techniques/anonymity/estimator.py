"""k-anonymity as a scikit-learn transformer; scikit-learn itself is not needed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pyarrow as pa

from hedgerow.kernel.anonymity.hierarchies import canonical
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy
from hedgerow.model.criteria import Model
from hedgerow.model.errors import CallerError
from hedgerow.techniques.anonymity.columns import built_hierarchy, coded, generalised, hierarchy_codes
from hedgerow.techniques.anonymity.parameters import Share, check_columns, release_parameters
from hedgerow.techniques.anonymity.simple import Ladder, k_anonymise, ladders_of, table_back, table_of


class KAnonymizer:
    """Generalises tables to the levels that made the fitted one k-anonymous at the least loss.

    Args:
        quasi: Quasi-identifiers; all columns without it. Other columns pass as they are.
        k: Least number of rows in a class of the fitted table, at least 2.
        suppression: Largest share of its rows suppressed, 0 to 1.
        hierarchies: As ``k_anonymise`` takes them.
        sensitive: Sensitive attributes that ``models`` are about.
        models: What must hold of the fitted table besides k.
        weights: What each quasi-identifier counts in the loss.

    Guarantee:
        A transformed row has the quasi-identifiers of at least ``k`` rows of the fitted table, or ``*``
        in each. Columns that are no quasi-identifiers are passed on and protect nobody.
    """

    def __init__(
        self,
        quasi: Sequence[str] | None = None,
        k: int = 5,
        suppression: Share = Fraction(1, 20),
        hierarchies: Mapping[str, Ladder] | None = None,
        sensitive: Sequence[str] = (),
        models: Sequence[str | Model] = (),
        weights: Mapping[str, Share] | None = None,
    ) -> None:
        self.quasi = quasi
        self.k = k
        self.suppression = suppression
        self.hierarchies = hierarchies
        self.sensitive = sensitive
        self.models = models
        self.weights = weights

    def fit(self, X: Any, y: object = None) -> KAnonymizer:  # noqa: ANN401, ARG002, N803 - scikit-learn's
        """Find the levels of least loss.

        Args:
            X: A pyarrow, pandas or Polars table, or a dict of columns.
            y: Not read.

        Returns:
            Itself, with ``levels_``, ``loss_``, ``is_optimal_``, ``released_rows_`` and ``n_classes_``.

        Raises:
            CallerError: For parameters, columns or hierarchies that do not fit.
            Refused: ``anonymity.unreachable``.
        """
        table, _ = table_of(X)
        quasi = tuple(table.column_names) if self.quasi is None else tuple(self.quasi)
        asked = release_parameters(quasi=quasi, k=self.k, sensitive=self.sensitive, models=self.models)
        check_columns(asked, table.column_names)
        ladders = ladders_of(self.hierarchies)
        for name in quasi:
            if name not in ladders:
                ladders[name] = built_hierarchy(coded(table, name))
        made = k_anonymise(
            table,
            quasi=quasi,
            k=self.k,
            suppression=self.suppression,
            hierarchies=ladders,
            sensitive=self.sensitive,
            models=self.models,
            weights=self.weights,
        )
        self._ladders: dict[str, Hierarchy] = ladders
        self._classes = set(_rows(made.frame, quasi))
        self.quasi_, self.levels_, self.loss_ = quasi, dict(made.levels), made.loss
        self.is_optimal_, self.released_rows_, self.n_classes_ = (
            made.is_optimal,
            made.released_rows,
            made.classes,
        )
        return self

    def transform(self, X: Any) -> Any:  # noqa: ANN401, N803 - scikit-learn's
        """Generalise rows to the levels found, and suppress those outside the classes of the fitted table.

        Args:
            X: A table with the quasi-identifiers.

        Returns:
            As many rows in their order, of the kind given, quasi-identifiers as text.

        Raises:
            CallerError: ``anonymity.not-fitted``, or for columns or values that the hierarchies do not have.
        """
        if not hasattr(self, "levels_"):
            raise CallerError("anonymity.not-fitted")
        table, known = table_of(X)
        check_columns(release_parameters(quasi=self.quasi_, k=self.k), table.column_names)
        made = {name: self._generalised(table, name) for name in self.quasi_}
        stays = [row in self._classes for row in zip(*made.values(), strict=True)]
        for name, texts in made.items():
            shown = [text if kept else ANY_VALUE for text, kept in zip(texts, stays, strict=True)]
            place = table.column_names.index(name)
            table = table.set_column(place, name, pa.array(shown, pa.string()))
        return table_back(table, known)

    def fit_transform(self, X: Any, y: object = None) -> Any:  # noqa: ANN401, N803 - scikit-learn's
        """Fit to a table and transform it.

        Args:
            X: The table.
            y: Not read.

        Returns:
            The transformed table.
        """
        return self.fit(X, y).transform(X)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002 - scikit-learn's
        """Give the parameters, by name.

        Args:
            deep: No parameter is an estimator, so it changes nothing.

        Returns:
            The parameters as they were given.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> KAnonymizer:  # noqa: ANN401 - any parameter's
        """Change parameters.

        Args:
            **params: New values, by name.

        Returns:
            Itself.

        Raises:
            CallerError: ``call.unknown`` for a name that is no parameter.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                advice = f"It takes {', '.join(known)}"
                raise CallerError("call.unknown", call="KAnonymizer.set_params", name=name, advice=advice)
            setattr(self, name, value)
        return self

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> list[str]:
        """Name the columns of a transformed table: they are those of the table given.

        Args:
            input_features: Columns of the table.

        Returns:
            The same.
        """
        return list(self.quasi_ if input_features is None else input_features)

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - a type of scikit-learn, which is asking
        """Tell scikit-learn what this is."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="transformer",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(string=True, allow_nan=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Tell scikit-learn whether it was fitted."""
        return hasattr(self, "levels_")

    def __repr__(self) -> str:
        """Tell k and the columns, no value of them."""
        return f"KAnonymizer(k={self.k}, quasi={None if self.quasi is None else list(self.quasi)})"

    def _generalised(self, table: pa.Table, name: str) -> list[str | None]:
        column, ladder = coded(table, name), self._ladders[name]
        codes = hierarchy_codes(column, ladder)
        rows = pa.array(range(table.num_rows)).to_numpy()
        return _texts(generalised(column, ladder, codes, self.levels_[name], rows))


def _rows(table: pa.Table, quasi: Sequence[str]) -> list[tuple[str | None, ...]]:
    return list(zip(*(_texts(table[name]) for name in quasi), strict=True))


def _texts(column: pa.Array | pa.ChunkedArray) -> list[str | None]:
    return [None if value is None else canonical(value) for value in column.to_pylist()]
