"""The workspace that each run of the model starts on, and what collecting means to both."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from tests.property.vault_promises import Model
from tests.simulator.adapters import SetClock

from hedgerow.app.declaring import Asked
from hedgerow.app.space import create_space
from hedgerow.kernel.hybrid import new_identity

FIRST = ("P-ann", "P-bob", "P-cem")


def clean(folder):
    shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=1)
def base_world():
    """Make one workspace with three people; every run starts on a copy."""
    folder = Path(tempfile.mkdtemp(prefix="hedgerow-model-"))
    clock, model, identity = SetClock(), Model(), new_identity()
    with create_space(folder / "space", clock=clock) as space:
        for purpose in ("research", "care"):
            space.service.add_purpose(purpose, "to model", "owner", date(2099, 1, 1))
        take(space, model, FIRST, clock, 0, with_consent=True)
        space.service.declare("visits", Asked(max_rows=4, keys={"ward": ["A", "B"]}))
        space.service.allocate("visits", "care", Fraction(3))
        space.service.make_index("visits", "email", "email")
    return folder, clock.moment, model, identity


def forget_base():
    """Take the workspace that runs start on away."""
    if base_world.cache_info().currsize:
        clean(base_world()[0])
        base_world.cache_clear()


def take(space, model, refs, clock, tag, *, with_consent):
    """Collect, and give what the model must be when it was taken."""
    moment, values = clock.now(), {ref: model.values.get(ref, f"{ref}.{tag}@example.org") for ref in refs}
    rows = [
        {"id": ref, "email": values[ref], "tag": tag + i, "ward": "AB"[(tag + i) % 2]}
        for i, ref in enumerate(refs)
    ]
    purposes = {"care": "contract"} | ({"research": "consent"} if with_consent else {})
    choices = [{"subject": ref, "purpose": "research", "time": moment.isoformat()} for ref in refs]
    space.collect(
        rows, dataset="visits", subject_key="id", purposes=purposes, keep=list(rows[0]),
        consents=choices if with_consent else None,
    )  # fmt: skip
    follow_taken(model, refs, values, tag, with_consent=with_consent)


def follow_taken(model, refs, values, tag, *, with_consent):
    if with_consent:
        model.erased -= set(refs)
    for i, ref in enumerate(refs):
        if ref not in model.erased:
            model.rows[tag + i] = ref
            model.values[ref] = values[ref]
