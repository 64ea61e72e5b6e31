"""The service: one method for each thing a person can do; what it returns is the JSON of every face."""

from __future__ import annotations

from hedgerow.app.service.asking import Asking
from hedgerow.app.service.dropping import Dropping
from hedgerow.app.service.evidence import Evidence
from hedgerow.app.service.examining import Examining
from hedgerow.app.service.governing import Governing
from hedgerow.app.service.keeping import Keeping
from hedgerow.app.service.people import People
from hedgerow.app.service.reporting import Reporting
from hedgerow.app.service.retrying import Retrying

__all__ = ["Service"]


class Service(Retrying, Dropping, Asking, Governing, People, Evidence, Keeping, Examining, Reporting):
    """Everything an actor can do in an open workspace."""
