"""Runs: threshold watches and running counts, each paid once, at its opening."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from hedgerow.app.service.asking import Asking
from hedgerow.app.service.base import need_purpose
from hedgerow.model.errors import CallerError
from hedgerow.model.records import Run
from hedgerow.model.uses import Json, Technique, UseRequest
from hedgerow.spine.gate import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

WATCH, RUNNING = "watch", "running"
Parameters = Mapping[str, Json]


class RunningPart(Asking):
    """Runs are opened, asked, advanced, shown and closed; every use of one passes the gate."""

    def explain_open_run(
        self, kind: str, name: str, dataset: str, asked: Parameters, *, purpose: str | None
    ) -> dict[str, Json]:
        """Say what opening a run would be decided and cost, without doing it."""
        request = UseRequest(self.actor, need_purpose(purpose), dataset, asked, new_request_id(), run=name)
        return self._explained(request, _OPENS[kind]())

    def open_run(
        self,
        kind: str,
        name: str,
        dataset: str,
        asked: Parameters,
        *,
        purpose: str | None,
        request_id: str | None = None,
    ) -> dict[str, Json]:
        """Open a run; its whole cost is charged, and no row is read.

        Args:
            kind: ``"watch"`` or ``"running"``.
            name: What it is called from now on.
            dataset: The data set.
            asked: A watch: ``of`` (a COUNT or SUM), ``above``, ``positives`` and ``epsilon``. A running
                count: ``of``, ``where``, ``steps``, ``from_now``, and ``epsilon`` or ``rho``. All are text
                but ``positives`` and ``steps``.
            purpose: Why; every use of the run is for it.
            request_id: Repeating it returns the same receipt, at no cost.

        Returns:
            ``run``, what it was ``opened`` with, and the receipt.

        Raises:
            Refused: By policy, budget or declaration; nothing was spent then.
            CallerError: ``run.exists`` and what is malformed.
        """
        known = request_id or new_request_id()
        request = UseRequest(self.actor, need_purpose(purpose), dataset, asked, known, run=name)
        told = self._used(request, _OPENS[kind]())
        return {"run": name, "dataset": dataset, "purpose": request.purpose, **told}

    def explain_run(self, kind: str, name: str, asked: Parameters | None = None) -> dict[str, Json]:
        """Say what a step of a run, or with nothing asked showing it, would be decided."""
        return self._explained(self._request(name, asked or {}, None), _technique(kind, asked))

    def step_run(
        self, kind: str, name: str, asked: Parameters, request_id: str | None = None
    ) -> dict[str, Json]:
        """Ask a watch (``sql``), or advance a running count; it costs nothing more.

        Args:
            kind: ``"watch"`` or ``"running"``.
            name: The run.
            asked: ``sql`` for a watch; nothing for a running count.
            request_id: Repeating it returns the same answer, and takes no other step.

        Returns:
            A watch: whether the number is ``above``, and ``positives_left``. A running count: the ``total``
            so far, its ``half_width_95``, ``step`` and ``steps_left``. And the receipt.

        Raises:
            Refused: By policy, purpose, consent or declaration as of now, or because the run is over.
            Fault: ``run.rolled-back`` where its state is not the one the journal told last.
        """
        return self._used(self._request(name, asked, request_id), _technique(kind, asked))

    def show_run(self, kind: str, name: str) -> dict[str, Json]:
        """Show what a run was opened with and told so far, to whoever may ask it; it costs nothing."""
        return self._used(self._request(name, {}, None), _technique(kind, None))

    def runs(self, kind: str | None = None) -> list[dict[str, Json]]:
        """List the runs there are, in the order of their names; nothing of what they told."""
        self._require("dataset.list")
        with self.spine.store.read() as reader:
            found = sorted(reader.find(Run), key=lambda run: run.name)
        return [_listed(run) for run in found if kind in (None, run.kind)]

    def close_run(self, kind: str, name: str) -> dict[str, Json]:
        """Close a run: nothing can be asked any more; what it told stays, and what was paid stays spent.

        Returns:
            ``run`` and the journal ``entry``.

        Raises:
            CallerError: ``run.unknown``, ``run.other-kind``.
            Refused: By policy.
        """
        request = self._request(name, {}, None)
        decision = self.spine.gate.explain(request, _technique(kind, None))
        if decision.error is not None:
            from hedgerow.spine.permission import as_error

            self.spine.gate.refuse(
                self.actor, "query", as_error(decision.error), request.dataset or None, request.purpose
            )
        with self.spine.store.write() as tx:
            entry = self.spine.runs.close(tx, self.actor, name)
        return {"run": name, "entry": entry}

    def _request(self, name: str, asked: Parameters, request_id: str | None) -> UseRequest:
        with self.spine.store.read() as reader:
            record = reader.get(Run, name)
        # Of a run that nobody knows the gate says so, to whoever may know.
        where = ("", "") if record is None else (record.purpose, record.dataset)
        return UseRequest(self.actor, *where, asked, request_id or new_request_id(), run=name)

    def _used(self, request: UseRequest, technique: Technique) -> dict[str, Json]:
        receipt = self.spine.gate.use(request, technique)
        kept = self._receipt(receipt, technique.action, request.dataset)
        return {**receipt.release.payload, "receipt": kept}


def _watch() -> Technique:
    from hedgerow.techniques.dp_query.watching import DpWatch

    return DpWatch()


def _running() -> Technique:
    from hedgerow.techniques.dp_query.counting import DpRunning

    return DpRunning()


_OPENS: dict[str, Callable[[], Technique]] = {WATCH: _watch, RUNNING: _running}


def _technique(kind: str, asked: Parameters | None) -> Technique:
    """Choose what a use of a run is done with: a step, or showing it where nothing is asked."""
    from hedgerow.techniques.dp_query.counting import AdvanceRunning, ShowRun
    from hedgerow.techniques.dp_query.watching import AskWatch

    if kind not in _OPENS:
        raise CallerError("run.other-kind", run=kind)
    if asked is None:
        return ShowRun(kind)
    return AskWatch() if kind == WATCH else AdvanceRunning()


def _listed(run: Run) -> dict[str, Json]:
    body = cast("dict[str, Json]", json.loads(run.body))
    paid = next((f"{name} {body[name]}" for name in ("epsilon", "rho") if name in body), "")
    return {
        "name": run.name,
        "kind": run.kind,
        "dataset": run.dataset,
        "purpose": run.purpose,
        "statistic": body.get("statistic"),
        "paid": paid,
        "used": run.step,
        "opened_by": run.opened_by,
        "until": run.until,
        "state": run.closed or "open",
    }
