"""The Python face: open a workspace, act as someone for a purpose, use data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hedgerow.app import workspace
from hedgerow.app.calls import called, decimal
from hedgerow.app.handles import RunHandle, SubjectHandle
from hedgerow.app.keyplaces import NEW_SECRET_VARIABLE, Place
from hedgerow.app.places import Found, is_address
from hedgerow.app.service import Service
from hedgerow.app.service.base import quiet
from hedgerow.model.calls import Fit, kind
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Clock
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.facts import OWNER

_PLAIN_SECRET = kind("text", "'...'", str).or_none()
_NUMBER = kind("a number", "100", str, int, float)
_MODEL = Fit(
    "a kind of model, or one of PyTorch", "'logistic'", lambda value: not isinstance(value, int | float)
)
_SECRET = Fit(
    "text, or a function that gives it", "'...'", lambda value: _PLAIN_SECRET.fits(value) or callable(value)
)
_FOUND = kind("a directory or the address of a database", "'mine'", str, os.PathLike, Found)
_MORE = (
    "delta", "check_epsilon", "bins", "report", "force", "request_id", "child_columns", "children_out"
)  # fmt: skip

if TYPE_CHECKING:
    from hedgerow.app.backup.restoring import Wish
    from hedgerow.techniques.dp_query.chain import Table


class Session:
    """Someone acting in a workspace.

    Args:
        space: The workspace.
        actor: Who acts.
        purpose: Why, for every use that names no other purpose.
    """

    def __init__(self, space: Space, actor: Actor, purpose: str | None) -> None:
        self._space = space
        self.actor = actor
        self.purpose = purpose
        self.service = Service(space.opened.spine, actor)
        self.directory = space.opened.directory

    def __repr__(self) -> str:
        """Name the workspace by its id; not where it lies, who acts or why."""
        return f"{type(self).__name__}({self._space.opened.spine.tenant})"

    @called("query")
    def query(  # noqa: PLR0913 - the options of a query
        self,
        dataset: str,
        sql: str,
        *,
        epsilon: str | None = None,
        rho: str | None = None,
        discover_keys: str | None = None,
        unit: str | None = None,
        purpose: str | None = None,
        request_id: str | None = None,
        fresh: bool = False,
        latency_s: str | None = None,
        engine: str | None = None,
    ) -> dict[str, Json]:
        """Ask a differentially private query; see ``Service.query``."""
        chosen = purpose or self.purpose
        return self.service.query(
            dataset,
            sql,
            purpose=chosen,
            epsilon=decimal(epsilon),
            rho=decimal(rho),
            discover_keys=decimal(discover_keys),
            unit=unit,
            request_id=request_id,
            fresh=fresh,
            latency=decimal(latency_s),
            engine=engine,
        )

    @called("explain")
    def explain(  # noqa: PLR0913 - the options of a query
        self,
        dataset: str,
        sql: str,
        *,
        epsilon: str | None = None,
        rho: str | None = None,
        discover_keys: str | None = None,
        unit: str | None = None,
        purpose: str | None = None,
        fresh: bool = False,
        engine: str | None = None,
    ) -> dict[str, Json]:
        """Decide a query without executing it."""
        return self.service.explain_query(
            dataset,
            sql,
            purpose=purpose or self.purpose,
            epsilon=decimal(epsilon),
            rho=decimal(rho),
            discover_keys=decimal(discover_keys),
            unit=unit,
            fresh=fresh,
            engine=engine,
        )

    @called("curve")
    def curve(
        self,
        dataset: str,
        sql: str,
        *,
        epsilon: str | None = None,
        rho: str | None = None,
        discover_keys: str | None = None,
        unit: str | None = None,
        purpose: str | None = None,
    ) -> dict[str, Json]:
        """Tell how wrong a query may be at several epsilons or rhos; see ``Service.curve_query``."""
        losses = {"epsilon": epsilon, "rho": rho, "discover_keys": discover_keys}
        cost = {**{name: decimal(each) for name, each in losses.items()}, "unit": unit}
        return self.service.curve_query(dataset, sql, purpose=purpose or self.purpose, **cost)

    @called("train", model=_MODEL)
    def train(  # noqa: PLR0913 - the options of a run
        self,
        dataset: str,
        model: Any,  # noqa: ANN401 - text, or a module of an extra
        *,
        epsilon: str,
        target: str | None = None,
        features: Sequence[str] | None = None,
        delta: str = "1e-6",
        people: int | None = None,
        accuracy: str | None = None,
        tune: bool = False,
        batch: int | None = None,
        epochs: int | None = None,
        fresh: bool = False,
        out: Path | str | None = None,
        purpose: str | None = None,
        request_id: str | None = None,
    ) -> dict[str, Json]:
        """Train a private model; see ``Service.train``.

        ``model`` is a kind of model, or an ``nn.Sequential`` of PyTorch, of which the layers are taken and
        neither weights nor code.
        """
        from hedgerow.app.service.training import Places, TrainRequest, named_or_described

        kind, layers = named_or_described(model)
        how = people, decimal(accuracy), tune, batch, epochs, fresh, layers
        asked = TrainRequest(dataset, kind, str(epsilon), target, _listed(features), str(delta), *how)
        return self.service.train(
            asked,
            purpose=purpose or self.purpose,
            places=Places(None if out is None else Path(out)),
            request_id=request_id,
        )

    @called("open_watch", above=_NUMBER)
    def open_watch(
        self,
        name: str,
        dataset: str,
        *,
        above: str,
        epsilon: str,
        positives: int = 1,
        of: str = "COUNT(*)",
        purpose: str | None = None,
    ) -> RunHandle:
        """Open a threshold watch, and pay its whole cost; see ``Service.open_run``."""
        asked: dict[str, Json] = {
            "of": of, "above": str(above), "positives": positives, "epsilon": str(epsilon)
        }  # fmt: skip
        self.service.open_run("watch", name, dataset, asked, purpose=purpose or self.purpose)
        return RunHandle(self, "watch", name)

    @called("open_running")
    def open_running(  # noqa: PLR0913 - the options of a running count
        self,
        name: str,
        dataset: str,
        *,
        steps: int,
        epsilon: str | None = None,
        rho: str | None = None,
        of: str = "COUNT(*)",
        where: str | None = None,
        from_now: bool = False,
        purpose: str | None = None,
    ) -> RunHandle:
        """Open a running count, and pay its whole cost; see ``Service.open_run``."""
        paid = {"epsilon": epsilon, "rho": rho}
        asked: dict[str, Json] = {"of": of, "where": where, "steps": steps, "from_now": from_now}
        asked |= {each: None if text is None else str(text) for each, text in paid.items()}
        self.service.open_run("running", name, dataset, asked, purpose=purpose or self.purpose)
        return RunHandle(self, "running", name)

    @called("watch")
    def watch(self, name: str) -> RunHandle:
        """Address a threshold watch that is open."""
        return RunHandle(self, "watch", name)

    @called("running")
    def running(self, name: str) -> RunHandle:
        """Address a running count that is open."""
        return RunHandle(self, "running", name)

    @called("table")
    def table(self, dataset: str) -> Table[dict[str, Json]]:
        """Begin a private query that is built step by step, without SQL.

        Args:
            dataset: The data set.

        Returns:
            The table; ``answer`` and ``explain`` of it take ``rho``, ``discover_keys`` and ``purpose``, the
            first ``request_id`` too, and give what :meth:`query` and :meth:`explain` give.
        """
        from hedgerow.app.tables import Governed
        from hedgerow.techniques.dp_query.chain import Table

        return Table(Governed(self.service, dataset, self.purpose))

    @called("synthesise", _MORE)
    def synthesise(
        self,
        dataset: str,
        columns: Sequence[str],
        *,
        rows: int,
        epsilon: str,
        out: str | os.PathLike[str],
        purpose: str | None = None,
        **more: Any,  # noqa: ANN401 - the further fields of SynthesisRequest and Outputs
    ) -> dict[str, Json]:
        """Make a differentially private synthetic table; see ``Service.synthesise``.

        Args:
            dataset: The data set.
            columns: Columns of the table.
            rows: How many rows it shall have.
            epsilon: What it may cost.
            out: The file, ending with ``.csv`` or ``.parquet``.
            purpose: Why; that of the session when not given.
            more: ``delta``, ``check_epsilon``, ``bins``, ``report``, ``force`` and ``request_id``; for a pair
                of tables ``child_columns``, ``children_out`` and, of another data set, ``children``.

        Returns:
            The label, the fidelity, the paths and the receipt.
        """
        from hedgerow.app.service.synthesising import Outputs, SynthesisRequest

        report, below = more.pop("report", None), more.pop("children_out", None)
        force = bool(more.pop("force", False))
        request_id = more.pop("request_id", None)
        places = Outputs(
            Path(out), None if report is None else Path(report), force, None if below is None else Path(below)
        )
        for name in {"delta", "check_epsilon"} & more.keys():
            more[name] = decimal(more[name])
        asked = SynthesisRequest(dataset, _listed(columns) or (), rows, str(epsilon), **more)
        return self.service.synthesise(
            asked, purpose=purpose or self.purpose, out=places, request_id=request_id
        )

    @called("collect")
    def collect(
        self,
        rows: object,
        *,
        dataset: str,
        subject_key: str,
        purposes: Mapping[str, str],
        keep: Sequence[str] | None = None,
        drop: Sequence[str] | None = None,
        consents: Sequence[Mapping[str, str]] | str | os.PathLike[str] | None = None,
        derived_from: Sequence[str] = (),
    ) -> dict[str, Json]:
        """Take rows in as ``hedgerow collect`` takes a file in, entirely or not at all.

        Args:
            rows: A list of mappings, or an Arrow, pandas or Polars table; at least one row.
            dataset: The data set, new or existing.
            subject_key: The column with the source id of the person.
            purposes: Each declared purpose with its lawful basis, for example
                ``{"research": "consent"}``.
            keep: Columns a purpose needs; all others are not collected.
            drop: Columns no purpose needs; all others are kept. One of the two is needed.
            consents: Choices with ``subject``, ``purpose`` and ``time``, and optionally ``granted``,
                ``notice_version`` and ``channel``; or a CSV file of them.
            derived_from: Data sets that the rows were made from: uses are charged to their budgets too.

        Returns:
            The data set, its version, how many rows and people were taken, rows set aside, and the
            journal entry.

        Raises:
            Refused: By policy, without a lawful basis, or when columns were not named.
            CallerError: When the rows or the call are malformed; nothing is written.
        """
        from hedgerow.app.rows import bases_of, read_rows
        from hedgerow.app.service.collecting import CollectRequest

        choices = Path(consents) if isinstance(consents, (str, os.PathLike)) else consents
        request = CollectRequest(
            Path("rows"), dataset, subject_key, bases_of(purposes), _listed(keep), _listed(drop),
            consents=choices, derived_from=tuple(derived_from),
        )  # fmt: skip
        return self.service.collect(self.service.plan_source(request, read_rows(rows)))

    @called("plan_drop")
    def plan_drop(self, dataset: str) -> dict[str, Json]:
        """Show what dropping a data set would remove and what stays; nothing is done."""
        return self.service.plan_drop(dataset)

    @called("drop")
    def drop(self, dataset: str) -> dict[str, Json]:
        """Drop a data set for good, as ``hedgerow dataset drop --yes`` does; see ``Service.drop``."""
        return self.service.drop(dataset)

    @called("subject")
    def subject(self, ref: str) -> SubjectHandle:
        """Address one person by source id."""
        return SubjectHandle(self, ref)


class Space(Session):
    """An open workspace; its owner acts unless someone else is named."""

    def __init__(self, opened: workspace.Opened) -> None:
        self.opened = opened
        super().__init__(self, Actor(OWNER, OWNER), None)

    @called("acting_as")
    def acting_as(self, principal: str, *, purpose: str | None = None) -> Session:
        """Act as a principal, for a purpose."""
        return Session(self, Actor(OWNER, principal), purpose)

    def close(self) -> None:
        """Let go of the workspace."""
        self.opened.store.close()

    def __enter__(self) -> Self:
        """Use the workspace in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it at the end of the block."""
        self.close()


def open_space(
    path: str | os.PathLike[str] | Found,
    *,
    passphrase: str | Callable[[bool], str | None] | None = None,
    new_passphrase: Callable[[bool], str | None] | None = None,
    clock: Clock | None = None,
) -> Space:
    """Open a workspace.

    Args:
        path: Its directory, or the address of its database, ``postgresql://ROLE@HOST/DATABASE``, with
            ``#TENANT`` at its end where that holds several workspaces.
        passphrase: The passphrase, or a function that is told whether the key file is sealed and
            gives it; the environment variable ``HEDGEROW_PASSPHRASE`` when not given. Where the
            keys are in a token, its PIN.
        new_passphrase: That of the place that a move of the keys was cut off to; the environment
            variable ``HEDGEROW_NEW_PASSPHRASE`` when not given.
        clock: The time, for tests.

    Returns:
        The open workspace.

    Raises:
        CallerError: When there is none, or the passphrase is wrong.
    """
    ask = passphrase if callable(passphrase) else lambda _: passphrase or _from_environment()
    ask_new = new_passphrase or (lambda _: os.environ.get(NEW_SECRET_VARIABLE))
    opened = workspace.open_(path, ask, clock=clock, new_passphrase=ask_new)
    space = Space(opened)
    space.opened.spine.tables.sweep(opened.store)
    space.service.expire()
    space.service.tend_backups()
    return space


def _listed(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return (names,) if isinstance(names, str) else tuple(names) if names is not None else None


def create_space(
    path: str | os.PathLike[str],
    *,
    passphrase: str | None = None,
    token: str | None = None,
    files: str | os.PathLike[str] | None = None,
    clock: Clock | None = None,
) -> Space:
    """Make a workspace and open it.

    Args:
        path: Its directory, new or empty; or the address of a database that was set up.
        passphrase: What seals its key file; the environment variable ``HEDGEROW_PASSPHRASE`` when
            not given, and without either an unsealed key file with a warning.
        token: The label of a PKCS#11 token to keep the keys in; the passphrase is its PIN then.
        files: For a workspace in a database the directory of its key file and table files, new or empty.
        clock: The time, for tests.

    Returns:
        The open workspace.

    Raises:
        CallerError: When there is something at the path, or the passphrase is empty.
    """
    sealed_by = passphrase if passphrase is not None else _from_environment()
    keys = None if token is None else Place("pkcs11", token, lambda: sealed_by)
    directory, database = _split(path, files)
    made = workspace.create(directory, sealed_by, clock=clock, keys=keys, database=database)
    return open_space(made, passphrase=lambda _: sealed_by, clock=clock)


def _split(path: str | os.PathLike[str], files: str | os.PathLike[str] | None) -> tuple[Path, str | None]:
    """Tell the directory of a new workspace and the address of its database."""
    if not is_address(path):
        if files is not None:
            raise CallerError("space.files-of-no-database")
        return Path(path), None
    if files is None:
        raise CallerError("space.files-needed")
    return Path(files), str(path)


# What Python calls by: commands open a workspace too, and are told next steps of their own.
open_checked = called("open", passphrase=_SECRET, path=_FOUND)(open_space)
create_checked = called("create", passphrase=_PLAIN_SECRET)(create_space)


def restore_space(
    wish: Wish, principal: str = OWNER, *, clock: Clock | None = None, progress: Callable[[str], None] = quiet
) -> dict[str, Json]:
    """Restore a workspace from a backup; see ``Wish`` for what that takes.

    Args:
        wish: What, to where, and what is known of the time after it.
        principal: Who restores.
        clock: The time, for tests.
        progress: Told each step.

    Returns:
        The checks made, the erasures repeated, and what was charged.
    """
    from hedgerow.app.backup.restoring import restore

    return restore(wish, Actor(OWNER, principal), progress, clock=clock)


def _from_environment() -> str | None:
    return os.environ.get(workspace.PASSPHRASE_VARIABLE)
