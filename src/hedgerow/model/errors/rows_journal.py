"""Errors of the journal, evidence and its verification."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault

_KEEP = (
    "Keep the workspace as it is; compare it with a saved head: hedgerow journal verify --against HEAD_FILE"
)
_INTEGRITY = 6

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "journal.altered",
        "Journal entry {index} was altered, dropped or moved: it does not match the log that was signed.",
        _KEEP,
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.unreadable-entry",
        "A journal entry is no longer what was signed: it cannot be read.",
        "See which: hedgerow journal verify. Then restore the workspace from a backup.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.truncated",
        "The journal is cut short: {signed} entries signed, {size} here; first missing index: {index}.",
        "Restore the workspace from a backup; entries from index {index} on are gone.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.unsigned-tail",
        "The journal holds {size} entries but the head signs {signed}: the first unsigned index is {index}.",
        _KEEP,
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.root-differs",
        "The root over {size} entries is not the signed one: entries and leaf hashes changed together.",
        _KEEP,
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.forked",
        "The journal is forked: an entry before index {size} is not the one the saved head was signed over.",
        "Treat the journal as rewritten: keep the saved head and this workspace as evidence.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.resigned",
        "The journal is signed by the key {now}, the saved head by {then}.",
        "Unless you changed the key yourself, treat the journal as replaced and keep the saved head.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.other-log",
        "The saved head belongs to the log {then}, this journal is {now}.",
        "Give a head that was saved from this workspace: hedgerow journal head --json",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.proof-fails",
        "The {kind} proof does not lead to the signed root.",
        "Ask for the proof again from the journal: hedgerow journal verify",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.bad-signature",
        "The {what} is not signed by the expected key {fingerprint}.",
        "Compare the fingerprint with the one printed by init: hedgerow journal head --json",
        exit_code=_INTEGRITY,
    ),
    fault(
        "journal.frontier-malformed",
        "The stored frontier of the journal cannot be read: {reason}.",
        "Rebuild it from the entries: hedgerow journal verify",
        exit_code=_INTEGRITY,
    ),
    caller(
        "journal.bad-index",
        "{index} is not an index of a log of {size} entries.",
        "Give a whole number from 0 to one less than the size.",
    ),
    caller(
        "journal.bad-hash",
        "A leaf hash has exactly 32 bytes; the one at index {index} does not.",
        "Give SHA-256 leaf hashes as made by leaf_hash.",
    ),
    caller(
        "journal.not-canonical",
        "The record cannot be written as canonical JSON: {reason}.",
        "Use text, whole numbers, true, false, null, lists and objects; write decimals as text.",
    ),
    caller(
        "checkpoint.malformed",
        "The checkpoint cannot be read: {reason}.",
        "Give the text exactly as it was printed: hedgerow journal head --json",
    ),
    caller(
        "checkpoint.bad-line",
        "The checkpoint cannot be written: {reason}.",
        "Use a short origin without spaces or plus signs, and extension lines that are not empty.",
    ),
    caller(
        "key.malformed",
        "The key cannot be read: {reason}.",
        "Give the key as it was printed: hedgerow journal head --json",
    ),
    caller(
        "head.malformed",
        "The head file cannot be read: {reason}.",
        "Save one with: hedgerow journal head --json > HEAD_FILE",
    ),
    fault(
        "head.bad-signature",
        "The head file was altered: its checkpoint is not signed by the key {fingerprint} that it names.",
        "Use another saved head; this one proves nothing.",
        exit_code=_INTEGRITY,
    ),
    caller(
        "evidence.bad-name",
        "A document of the bundle has a name that is not allowed ({reason}).",
        "Use relative names of letters, digits, '.', '_' and '-', with '/' between folders.",
    ),
    caller(
        "evidence.bad-document",
        "The document {name} cannot stand in a bundle: {reason}.",
        "Leave it out, or give it another ending than .json and .note.",
    ),
    caller(
        "evidence.bad-entry",
        "Journal entry {index} cannot stand in a bundle: {reason}.",
        "Entries are single-line JSON objects as the journal writes them; check it: hedgerow journal verify",
    ),
)
