"""Errors of approvals: what awaits one, and who may give it."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

_SHOW = "See it with `hedgerow approval show {approval}`."

ROWS: tuple[ErrorRow, ...] = (
    refused(
        "approval.pending",
        "{again}This awaits approval: {approval} waits for {who} until {until}; nothing was done or spent."
        "{could}",
        "Let somebody else who holds that role run `hedgerow approval grant {approval} --as NAME`, then "
        "repeat this command.",
        exit_code=8,
        status=409,
    ),
    refused(
        "approval.denied",
        "{by} denied this ({approval}): {reason}",
        "Change the request, or ask again after {until}.",
    ),
    refused(
        "approval.own-name",
        "This needs the approval of somebody else, and the owner stands behind every name here: nobody could "
        "approve what the owner asks in its own name.",
        "Repeat it with --as and your own principal (`hedgerow principal list`).",
    ),
    refused(
        "approval.same-person",
        "Whoever asked for {approval} cannot decide it, nor can the owner in whose login it was asked.",
        "Let somebody else decide: `hedgerow approval grant {approval} --as NAME`.",
    ),
    refused(
        "approval.voted",
        "{principal} already granted {approval}; it needs {who}.",
        "Let another person who holds that role grant it.",
    ),
    refused(
        "approval.not-approver",
        "{approval} needs {who}; {principal} does not hold that role.",
        "Let somebody who holds it decide (`hedgerow principal list`).",
    ),
    refused(
        "approval.decided",
        "{approval} is {state} already.",
        _SHOW,
    ),
    refused(
        "approval.expired",
        "{approval} expired at {until}.",
        "Whoever needs it repeats the command that asked for it; that asks anew.",
    ),
    refused(
        "approval.not-here",
        "A policy asks for approval of {action}, for which none can be given; nothing was done.",
        "Take @approval from that policy, or forbid the act (`hedgerow policy show`).",
    ),
    caller(
        "approval.unknown",
        "There is no approval {approval} that you may see.",
        "See those there are with `hedgerow approval list --all`.",
        status=404,
    ),
    caller(
        "approval.reason",
        "A reason is printable text of 1 to 200 characters.",
        'Give one: `hedgerow approval deny {approval} --reason "..."`.',
    ),
    fault(
        "approval.not-journaled",
        "The journal does not tell of {approval} what its record says; nothing was done.",
        "Run `hedgerow journal verify`; whoever changed the database beside Hedgerow must be found.",
        exit_code=6,
    ),
    fault(
        "approval.rule-broken",
        "Entry {index} of the journal breaks a rule of approvals: {rule}.",
        "Keep the workspace as it is, and ask who ran what then: `hedgerow evidence export --out DIR`.",
        exit_code=6,
    ),
)
