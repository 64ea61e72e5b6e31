"""The service: one method for each thing a person can do; what it returns is the JSON of every face."""

from __future__ import annotations

from hedgerow.app.service.approving import Approving
from hedgerow.app.service.backing import Backing
from hedgerow.app.service.cosigning import CosigningPart
from hedgerow.app.service.dropping import Dropping
from hedgerow.app.service.escrowing import Escrowing
from hedgerow.app.service.evidence import Evidence
from hedgerow.app.service.examining import Examining
from hedgerow.app.service.governing import Governing
from hedgerow.app.service.importing import Importing
from hedgerow.app.service.indexing import Indexing
from hedgerow.app.service.keeping import Keeping
from hedgerow.app.service.people import People
from hedgerow.app.service.publishing import Publishing
from hedgerow.app.service.reckoning import Reckoning
from hedgerow.app.service.releasing import Releasing
from hedgerow.app.service.reporting import Reporting
from hedgerow.app.service.retrying import Retrying
from hedgerow.app.service.revealing import RevealingPart
from hedgerow.app.service.running import RunningPart
from hedgerow.app.service.surveying import Surveying
from hedgerow.app.service.synthesising import Synthesising
from hedgerow.app.service.tiling import Tiling
from hedgerow.app.service.tokenising import Tokenising
from hedgerow.app.service.training import Training
from hedgerow.app.service.travelling import Travelling
from hedgerow.app.service.witnessing import Witnessing

__all__ = ["Service"]


class Service(
    Approving,
    Importing,
    Indexing,
    Retrying,
    Dropping,
    Training,
    RunningPart,
    Releasing,
    Synthesising,
    Tokenising,
    RevealingPart,
    Travelling,
    Surveying,
    Governing,
    People,
    Evidence,
    Keeping,
    Examining,
    Publishing,
    Reckoning,
    Reporting,
    Witnessing,
    Backing,
    Escrowing,
    Tiling,
    CosigningPart,
):
    """Everything an actor can do in an open workspace."""
