"""Tokenising as the gate knows it: rules as plain values, one event, secrets leased in their scopes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.canonical import digest
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.tokenrules import rule_json
from hedgerow.model.tokens import (
    DETERMINISTIC,
    LABEL,
    LIMITS,
    RECIPIENT,
    RELEASE,
    Keep,
    Lookup,
    Pseudonym,
    Random,
    Redact,
    Rule,
    Rules,
    Surrogate,
    Zip,
    is_coarse,
    kind_of,
    policy_of,
    scope_to,
)
from hedgerow.model.uses import (
    ArrowTable,
    DatasetView,
    Grant,
    Json,
    Lease,
    Plan,
    Release,
    TokenLease,
    TokenSecrets,
    UseRequest,
)
from hedgerow.model.words import ColumnRole, many
from hedgerow.techniques.tokens.applying import check_rule
from hedgerow.techniques.tokens.making import (
    Made,
    class_counts,
    csv_of,
    in_drawn_order,
    is_erasable,
    made_of,
)

NOBODY = -1
_CODE = 5
"""Characters that the beginning of a postal code may have where a column names people."""


@dataclass(frozen=True, slots=True)
class FromOutside:
    """A table from outside, whose people are those of a data set.

    Args:
        table: An Arrow table of texts; the person column among them.
        roles: What discovery says that each column does to the person.
    """

    table: ArrowTable = field(repr=False)
    roles: Mapping[str, ColumnRole]


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """What tokenising will do, decided before any data is opened.

    Args:
        rules: What becomes of each column.
        release: Id of the release.
        recipient: To whom it goes; empty for nobody in particular.
        columns: Columns of the data set that are read.
        quasi: Columns of the output that together could point at a person still.
        made_by: Keyed hash of the file and hash of the rules, for the register.
    """

    rules: Rules
    release: str
    recipient: str
    columns: frozenset[str]
    quasi: tuple[str, ...]
    made_by: Mapping[str, Json]

    @property
    def grant(self) -> Grant:
        """The columns that are read of the data set, and the scopes of tokens."""
        scope = scope_to(self.recipient, is_of_file=self.made_by["file"] is not None)
        to = ((RECIPIENT, scope),) if self.recipient else ()
        return Grant(self.columns, "rows", tokens=((RELEASE, self.release), *to))

    @property
    def cost(self) -> NonPrivateEvent:
        """No differential privacy: the release is named ever after."""
        return NonPrivateEvent(self.release)

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before data is opened."""
        return {
            "technique": GovernedTokens.name,
            "made": {rule.column: kind_of(rule) for rule in self.rules.made},
            "recipient": self.recipient or None,
            "obligations": list(OBLIGATIONS),
        }


OBLIGATIONS = (
    "label the release pseudonymised, never anonymous",
    "leave out people whom no basis covers for the purpose, and count them to the privacy officer only",
    "record who is in the release, so that an erasure names it",
    "count every later epsilon as apart from this release",
)


class GovernedTokens:
    """Releases the rows of covered people with each column tokenised as rules say.

    Args:
        rules: The rules, tables of lookups filled in.
        outside: Where the rows come from; the data set itself where not given.

    Guarantee: only rows of people whose basis covers the purpose leave, only columns that a rule names, and
        only tokens of the scopes that the spine gave: of this tenant, purpose, data set and release, or of
        the recipient where a rule says ``deterministic``. Rows of a data set leave in a drawn order.
    """

    name = "tokens"
    action = "release"

    def __init__(self, rules: Rules, outside: FromOutside | None = None) -> None:
        self.rules = rules
        self._outside = outside

    def plan(self, request: UseRequest, dataset: DatasetView) -> TokenPlan:
        """Decide what is needed.

        Args:
            request: ``parameters`` holds ``release`` (its id) and ``recipient`` (a name, or empty); the
                service binds the rules, their tables and the file into it by their hashes.
            dataset: The data set.

        Raises:
            CallerError: For columns that are not there or that no rule names, or a rule that does not fit.
            Refused: ``tokenise.identifies`` for a column kept that names people.
        """
        recipient = str(request.parameters.get("recipient") or "")
        rules = self.rules
        self.check(recipient)
        if self._outside is not None:
            roles, columns = self._outside.roles, frozenset[str]()
        else:
            rules = _of_dataset(rules, dataset)
            roles = {column.name: ColumnRole(column.role) for column in dataset.columns}
            columns = frozenset(name for rule in rules.made for name in rule.sources) - {PERSON}
        made_by = {
            "file": request.parameters.get("file"),
            "rules": digest([request.parameters.get("rules"), request.parameters.get("tables")]),
        }
        named = str(request.parameters["release"])
        return TokenPlan(rules, named, recipient, columns, _quasi(rules, roles), made_by)

    def check(self, recipient: str) -> None:
        """Refuse what could not be done whoever the people are: before any of a file are enrolled.

        Args:
            recipient: To whom it goes; empty for nobody in particular.

        Raises:
            CallerError: As ``plan``, but for the columns of a data set.
            Refused: ``tokenise.identifies``.
        """
        for rule in self.rules.made:
            check_rule(rule)
            if policy_of(rule) == DETERMINISTIC and not recipient:
                raise CallerError("tokenise.no-recipient", column=rule.column)
        if self._outside is not None:
            _check_outside(self.rules, list(self._outside.table.column_names), self._outside.roles)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Tokenise the leased rows, or those from outside of the people leased."""
        asked, secrets = cast("TokenPlan", plan), cast("TokenLease", lease).tokens()
        if self._outside is None:
            table, numbers = _leased(lease.rows())
            rows, people = len(numbers), len(set(numbers))
        else:
            table, numbers = self._outside.table, self._people(secrets)
            rows = len(numbers)
            table, numbers = _covered(table, numbers)
            people = len(set(numbers))
        if not numbers:
            raise Refused("tokenise.nobody")
        made = made_of(table, numbers, asked.rules, secrets)
        if self._outside is not None:
            _check_changed(asked.rules, self._outside.roles, table, made.table)
        is_shuffled = self._outside is None or asked.rules.shuffles
        table = in_drawn_order(made.table) if is_shuffled else made.table
        payload: dict[str, Json] = {"csv": csv_of(table), "label": LABEL}
        told = _summary(asked, made, rows=rows, people=people)
        kinds = ", ".join(dict.fromkeys(kind_of(rule) for rule in asked.rules.made))
        return Release(payload, f"tokens: {kinds}", person_level=True, summary=told, drawn=made.drawn)

    def _people(self, secrets: TokenSecrets) -> list[int]:
        """Find whose each row from outside is; nobody's where the cell is empty."""
        table = cast("FromOutside", self._outside).table
        coded = table.column(str(self.rules.person)).combine_chunks().dictionary_encode()
        refs = coded.dictionary.to_pylist()
        named = [ref for ref in refs if ref.strip()]
        number_of = dict(zip(named, secrets.people(named), strict=True))
        places = coded.indices.to_pylist()
        return [NOBODY if at is None else number_of.get(refs[at], NOBODY) for at in places]


def _check_outside(rules: Rules, names: Sequence[str], roles: Mapping[str, ColumnRole]) -> None:
    _check_columns(rules, names)
    for rule in rules.made:
        is_whole = isinstance(rule, Zip) and rule.digits > _CODE
        is_kept = isinstance(rule, Keep) and not rule.i_know
        if (is_kept or is_whole) and _identifies(roles, rule.source):
            raise Refused("tokenise.identifies", column=rule.source)
        if isinstance(rule, Pseudonym) and rule.source != rules.person:
            raise CallerError(
                "tokenise.option", column=rule.column, option="from",
                problem=f"a pseudonym is of the person: {rules.person}",
            )  # fmt: skip


def _check_changed(
    rules: Rules, roles: Mapping[str, ColumnRole], given: ArrowTable, made: ArrowTable
) -> None:
    """Refuse what names people where a rule that makes it coarser left it as it is but for signs and case."""
    for rule in rules.made:
        if not isinstance(rule, (Lookup, Redact, Zip)) or not _identifies(roles, rule.source):
            continue
        pairs = set(
            zip(given.column(rule.source).to_pylist(), made.column(rule.column).to_pylist(), strict=True)
        )
        if any(told and _letters(true) and _letters(true) == _letters(told) for true, told in pairs):
            raise Refused("tokenise.identifies", column=rule.source)


def _letters(text: str | None) -> str:
    return "".join(each for each in (text or "").casefold() if each.isalnum())


def _identifies(roles: Mapping[str, ColumnRole], column: str) -> bool:
    return roles.get(column) is ColumnRole.DIRECT_IDENTIFIER


def _check_columns(rules: Rules, names: Sequence[str], beside: Sequence[str] = ()) -> None:
    """Refuse columns that are not there or stand there twice, and those that no rule names."""
    counted = Counter(names)
    for name in rules.read:
        if counted[name] != 1 and name not in beside:
            raise CallerError("tokenise.no-column", column=name)
    unnamed = [name for name in names if name not in rules.read]
    if unnamed and not rules.drops_others:
        raise CallerError("tokenise.unnamed", columns=", ".join(unnamed), first=unnamed[0])


def _of_dataset(rules: Rules, dataset: DatasetView) -> Rules:
    """Let the rules read the person's number where they name the column of persons, which is in the vault."""
    whose = dataset.subject_column
    if rules.person not in (None, whose):
        raise CallerError("tokenise.other-person", column=rules.person, subject=whose)
    stored = [column.name for column in dataset.columns if not column.in_vault]
    in_vault = [column.name for column in dataset.columns if column.in_vault]
    _check_columns(rules, stored, in_vault)
    return Rules(tuple(_read_of_person(rule, whose, in_vault, dataset.name) for rule in rules.made), PERSON)


def _read_of_person(rule: Rule, whose: str, in_vault: Sequence[str], dataset: str) -> Rule:
    # With a class of its own a surrogate is of the value, which is in the vault.
    is_of_person = isinstance(rule, (Pseudonym, Random)) or (isinstance(rule, Surrogate) and not rule.of)
    if rule.source == whose and is_of_person:
        from dataclasses import replace

        return replace(rule, source=PERSON)
    for name in rule.sources:
        if name in in_vault:
            raise CallerError("column.in-vault", column=name, dataset=dataset)
    if isinstance(rule, Pseudonym):
        raise CallerError(
            "tokenise.option",
            column=rule.column,
            option="from",
            problem=f"a pseudonym is of the person: {whose}",
        )
    return rule


def _quasi(rules: Rules, roles: Mapping[str, ColumnRole]) -> tuple[str, ...]:
    """Name the columns of the output that together could point at a person still."""
    return tuple(
        rule.column
        for rule in rules.made
        if is_coarse(rule)
        or (isinstance(rule, (Keep, Redact)) and roles.get(rule.source) is ColumnRole.QUASI_IDENTIFIER)
    )


def _leased(table: ArrowTable) -> tuple[ArrowTable, list[int]]:
    return table, table.column(PERSON).to_pylist()


def _covered(table: ArrowTable, numbers: Sequence[int]) -> tuple[ArrowTable, list[int]]:
    """Keep the rows of covered people, in their order."""
    import numpy as np

    known = np.asarray(numbers, dtype=np.int64)
    kept = known != NOBODY
    return table.filter(kept), known[kept].tolist()


def _summary(plan: TokenPlan, made: Made, *, rows: int, people: int) -> dict[str, Json]:
    """Write what the privacy officer may know of a release."""
    released = made.table.num_rows
    classes, alone = class_counts(made.table, plan.quasi) if plan.quasi else (0, 0)
    return {
        "label": LABEL,
        "limits": LIMITS,
        "recipient": plan.recipient or None,
        **plan.made_by,
        "rows": released,
        "people": people,
        "rows_left_out": rows - released,
        "columns": [_told(rule) for rule in plan.rules.made],
        "quasi": list(plan.quasi),
        "classes": classes,
        "alone": alone,
        "statements": list(_statements(plan, released, alone, classes)),
    }


def _told(rule: Rule) -> dict[str, Json]:
    return {**rule_json(rule), "column": rule.column, "erasable": is_erasable(rule)}


def _statements(plan: TokenPlan, rows: int, alone: int, classes: int) -> list[str]:
    lasting = [rule.column for rule in plan.rules.made if not is_erasable(rule)]
    said = []
    if plan.quasi:
        named = ", ".join(plan.quasi)
        said.append(
            f"{many(alone, 'row')} of {rows:,} {'is' if alone == 1 else 'are'} the only one of its kind in"
            f" {named} ({many(classes, 'class', 'classes')}): whoever knows that of a person finds the"
            " person's row."
        )
    if lasting:
        said.append(f"An erasure does not reach what left in {', '.join(lasting)}.")
    return said
