"""What a governed run reads of a data set, by its declaration alone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import Clamp, ColumnDeclaration, KeyDomain
from hedgerow.model.uses import ColumnView, DatasetView, Json
from hedgerow.techniques.dp_train.encode import PublicEncoder

Label = str | int | bool
_LABELS = (str, int, bool)
CLASSES_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted: one of some classes, or a number within bounds.

    Args:
        column: The column.
        classes: The classes, in order; none for a number.
        clamp: The bounds; none for classes.
    """

    column: str
    classes: tuple[Label, ...] = ()
    clamp: Clamp | None = None

    def as_json(self) -> dict[str, Json]:
        """Write it as a model file keeps it."""
        if self.clamp is None:
            return {"name": self.column, "classes": list(self.classes)}
        return {"name": self.column, "bounds": [str(self.clamp.lower), str(self.clamp.upper)]}


@dataclass(frozen=True, slots=True)
class Inputs:
    """The columns of a run, each with what its owner declared.

    Args:
        target: What is predicted; none where nothing is.
        categories: Columns of categories.
        numbers: Columns of numbers, with their bounds.
        max_rows: Rows of one person that count.
        left_out: Columns that nothing was declared of and nobody named.
    """

    target: Target | None
    categories: tuple[KeyDomain, ...]
    numbers: tuple[tuple[str, Clamp], ...]
    max_rows: int
    left_out: tuple[str, ...] = ()

    @property
    def encoder(self) -> PublicEncoder:
        """What turns the columns into features."""
        return PublicEncoder(
            categories={domain.column: domain.values for domain in self.categories},
            numbers={name: (float(clamp.lower), float(clamp.upper)) for name, clamp in self.numbers},
        )

    @property
    def width(self) -> int:
        """How many features there are."""
        return sum(len(domain.values) for domain in self.categories) + len(self.numbers)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that are read, in the order of their features."""
        return (*(domain.column for domain in self.categories), *(name for name, _ in self.numbers))

    @property
    def columns(self) -> frozenset[str]:
        """Every column that is read, with that of the target."""
        return frozenset([*self.features, *([self.target.column] if self.target else [])])

    def as_json(self) -> list[Json]:
        """Write the columns as a model file keeps them, in the order of their features."""
        told: list[Json] = [{"name": d.column, "categories": list(d.values)} for d in self.categories]
        for name, clamp in self.numbers:
            told.append({"name": name, "bounds": [str(clamp.lower), str(clamp.upper)]})
        return told


def inputs_of(
    dataset: DatasetView, target: str | None, features: Sequence[str] | None, *, aim: str
) -> Inputs:
    """Collect what a run reads and stands on.

    Args:
        dataset: Columns and declarations; no value.
        target: The column that is predicted; none for models that predict nothing.
        features: The columns to learn from; none for all that something was declared of.
        aim: ``class``, ``number``, ``either`` or ``none``: what the model predicts.

    Returns:
        The inputs.

    Raises:
        Refused: ``dp.undeclared`` with the line that declares what is missing, or ``train.hidden-column``.
        CallerError: For columns that do not fit.
    """
    declared = {column.name: column for column in dataset.columns}
    if dataset.declaration.unit != "person":
        # Rows are bounded, and the ledger counts, for each person.
        raise _bad(dataset, "the privacy unit must be person", "--max-rows N")
    if (target is None) != (aim == "none"):
        raise CallerError("train.no-target" if target is None else "train.target-unused")
    _check_open(dataset, declared, [*([target] if target else []), *(features or ())])
    chosen, left_out = _chosen(dataset, target, features)
    _check_declared(dataset, target, chosen, aim)
    stated = [dataset.declaration.column(name) for name in chosen]
    return Inputs(
        _target(dataset, target, aim) if target else None,
        tuple(KeyDomain(each.column, each.keys) for each in stated if each.keys),
        tuple((each.column, _spread(dataset, each)) for each in stated if not each.keys),
        int(dataset.declaration.max_rows or 1),
        left_out,
    )


def _chosen(
    dataset: DatasetView, target: str | None, features: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose the columns: those named, or all that something was declared of."""
    if features is not None:
        if not features or target in features or len(set(features)) != len(features):
            raise CallerError("train.features")
        return tuple(features), ()
    names = [c.name for c in dataset.columns if not c.in_vault]
    names = [name for name in names if name not in (dataset.subject_column, target)]
    known = tuple(name for name in names if _is_declared(dataset.declaration.column(name)))
    if not known:
        raise Refused("train.no-features", dataset=dataset.name, command=_line(dataset.name, []))
    return known, tuple(name for name in names if name not in known)


def _is_declared(column: ColumnDeclaration) -> bool:
    return bool(column.keys) or column.clamp is not None


def _check_open(dataset: DatasetView, known: Mapping[str, ColumnView], names: Sequence[str]) -> None:
    for name in names:
        if name == dataset.subject_column or (name in known and known[name].in_vault):
            raise Refused("train.hidden-column", column=name)
        if name not in known:
            raise CallerError("column.unknown", column=name, dataset=dataset.name)


def _check_declared(dataset: DatasetView, target: str | None, chosen: Sequence[str], aim: str) -> None:
    """Refuse what is not declared, all at once, with the line to type."""
    missing, options = [], []
    if dataset.declaration.max_rows is None:
        missing.append("the rows of one person that count")
        options.append("--max-rows N")
    if target is not None:
        stated = dataset.declaration.column(target)
        if (aim == "class" or (aim == "either" and stated.clamp is None)) and not stated.keys:
            missing.append(f"keys of {target}")
            options.append(f"--keys {shlex.quote(f'{target}=VALUE,...')}")
        if aim == "number" and stated.clamp is None:
            missing.append(f"bounds of {target}")
            options.append(f"--bounds {shlex.quote(f'{target}=LOWER:UPPER')}")
    for name in chosen:
        if not _is_declared(dataset.declaration.column(name)):
            column = dataset.column(name)
            is_number = column is not None and column.type in ("integer", "decimal")
            missing.append(f"{'bounds' if is_number else 'keys'} of {name}")
            wanted = f"{name}=LOWER:UPPER" if is_number else f"{name}=VALUE,..."
            options.append(f"--{'bounds' if is_number else 'keys'} {shlex.quote(wanted)}")
    if missing:
        command = _line(dataset.name, options)
        raise Refused("dp.undeclared", missing=", ".join(missing), dataset=dataset.name, command=command)


def _line(dataset: str, options: Sequence[str]) -> str:
    shown = options or ["--bounds COLUMN=LOWER:UPPER", "--keys COLUMN=VALUE,..."]
    return " ".join([f"hedgerow dataset declare {shlex.quote(dataset)} --unit person", *shown])


def _target(dataset: DatasetView, name: str, aim: str) -> Target:
    stated = dataset.declaration.column(name)
    if aim == "number" or (aim == "either" and not stated.keys):
        return Target(name, clamp=_spread(dataset, stated))
    classes = tuple(sorted(stated.keys or ()))
    if not 2 <= len(classes) <= CLASSES_MOST or any(type(each) not in _LABELS for each in classes):  # noqa: PLR2004
        raise _bad(dataset, f"{name} has not from 2 to {CLASSES_MOST:,} classes", f"--keys {name}=VALUE,...")
    return Target(name, classes)


def _spread(dataset: DatasetView, stated: ColumnDeclaration) -> Clamp:
    clamp = stated.clamp
    is_apart = clamp is not None and float(clamp.lower) < float(clamp.upper)
    if clamp is None or not is_apart:
        problem = f"the lower bound of {stated.column} is not below the upper"
        raise _bad(dataset, problem, f"--bounds {shlex.quote(f'{stated.column}=LOWER:UPPER')}")
    return clamp


def _bad(dataset: DatasetView, problem: str, option: str) -> CallerError:
    command = _line(dataset.name, [option])
    return CallerError("dp.bad-declaration", dataset=dataset.name, problem=problem, command=command)
