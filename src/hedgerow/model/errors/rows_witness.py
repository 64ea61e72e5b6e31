"""Errors of the head kept outside the workspace."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault

_INTEGRITY = 6
_READD = "hedgerow journal witness remove {name}; hedgerow journal witness add {name} --file PATH"

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "witness.ahead",
        "The witness {name} holds a head of {outside} entries, this workspace has {size}: it was rolled "
        "back, or is an older copy. No budget is spent here.",
        "Put the newer workspace back, or restore with the spending the witness holds; its file is kept.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "witness.forked",
        "The witness {name} holds another journal: at {outside} entries its root is not the one of this "
        "workspace. No budget is spent here.",
        "Keep both as evidence. Put back the workspace that the witness followed. If this is the true one "
        "and another wrote there, part from it: `hedgerow journal witness remove {name}`.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "witness.older",
        "The file of the witness {name} was replaced by an older one: it holds {outside} entries and held "
        "{known} before.",
        f"Put the newer file back. If it is lost: {_READD}",
        exit_code=_INTEGRITY,
    ),
    fault(
        "witness.forged",
        "The file of the witness {name} was not written by this workspace: {reason}.",
        f"Put the right file back. If it is lost: {_READD}",
        exit_code=_INTEGRITY,
    ),
    fault(
        "witness.unreachable",
        "The witness {name} has not acknowledged the head of the journal: {reason}.",
        "Mount its disk and repeat the same request id: what was spent stays spent, and the answer is the "
        "same. Otherwise: hedgerow journal witness remove {name}",
        status=503,
    ),
    fault(
        "witness.less-spent",
        "The head kept outside says that less was spent on {dataset} for {purpose} than is recorded here.",
        "The two do not belong together: give the newest head that was kept outside of this workspace.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "sink.unreachable",
        "The place that holds the head outside cannot be used: {reason}.",
        "Mount its disk and try again.",
        status=503,
    ),
    caller(
        "witness.exists",
        "There is a witness {name} already.",
        "Choose another name, or take it away: hedgerow journal witness remove {name}",
        status=409,
    ),
    caller(
        "witness.unknown",
        "There is no witness {name}.",
        "See which there are: hedgerow journal witness list",
        status=404,
    ),
    caller(
        "witness.inside",
        "{path} lies inside the workspace: what rolls the workspace back would take it along.",
        "Choose a file on another disk, best on another machine.",
    ),
    caller(
        "witness.not-plain",
        "{path} cannot hold the head: {reason}.",
        "Choose a file, new or written by this workspace, in a folder that exists.",
    ),
    caller(
        "witness.malformed",
        "The head kept outside cannot be read: {reason}.",
        "Give the file that a witness keeps: `hedgerow journal witness list` names it.",
    ),
)
