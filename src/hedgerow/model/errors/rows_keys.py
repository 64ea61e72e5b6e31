"""Errors of keys, envelopes and the workspace's secrets."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

_WAYS_TO_GIVE_IT = (
    "Set HEDGEROW_PASSPHRASE, name a file with --passphrase-file FILE, or run in a terminal and type it."
)
_RESTORE = "Put back the key file from its backup; nothing was changed."

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "envelope.unreadable",
        "A sealed value could not be opened: it was altered, moved or sealed under another key.",
        "Run `hedgerow doctor`; if it names the workspace, restore it from a backup.",
        exit_code=6,
    ),
    caller(
        "reference.empty",
        "The reference to a person is empty.",
        "Give the source id used at collection.",
    ),
    caller(
        "reference.too-long",
        "The reference to a person is longer than {limit_bytes} bytes.",
        "Give the source id used at collection.",
    ),
    caller(
        "reference.not-text",
        "The reference to a person is not valid Unicode text.",
        "Give the source id as UTF-8 text.",
    ),
    caller(
        "keys.wrong-passphrase",
        "The passphrase does not open the key file.",
        "Try again with the passphrase of this workspace; it cannot be recovered from the file.",
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.passphrase-needed",
        "The key file is sealed by a passphrase and none was given.",
        _WAYS_TO_GIVE_IT,
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.passphrase-unused",
        "A passphrase was given, but the key file is not sealed by one.",
        "Leave it out (`unset HEDGEROW_PASSPHRASE`); if it should be sealed, restore it from its backup.",
        exit_code=4,
        status=401,
    ),
    caller("keys.passphrase-empty", "The passphrase is empty.", _WAYS_TO_GIVE_IT),
    caller(
        "keys.passphrase-too-long",
        "The passphrase is longer than {limit_bytes} bytes.",
        "Choose a shorter passphrase.",
    ),
    caller(
        "keys.passphrase-not-text",
        "The passphrase is not valid Unicode text.",
        "Give the passphrase as UTF-8 text.",
    ),
    caller(
        "keys.file-exists",
        "A key file already stands at {path}.",
        "Choose another place; a key file is never overwritten.",
    ),
    caller(
        "keys.file-missing",
        "There is no key file at {path}.",
        "Name the workspace with --space DIR, or put back the key file from its backup.",
    ),
    caller(
        "keys.file-newer",
        "The key file at {path} was written by a newer version (format {found}, known {known}).",
        "Open the workspace with the newer version of Hedgerow; nothing was changed.",
    ),
    refused(
        "keys.file-exposed",
        "The key file at {path} has no passphrase and other accounts of this machine can reach it.",
        "Run `chmod 600 {path}`.",
    ),
    fault("keys.file-corrupt", "The key file at {path} is damaged or cut short.", _RESTORE, exit_code=6),
    fault(
        "keys.file-costly",
        "The key file at {path} asks for a passphrase check outside the allowed cost.",
        _RESTORE,
        exit_code=6,
    ),
    fault(
        "keys.file-unreadable",
        "The key file at {path} cannot be read.",
        "Run as the account that owns the file, and see that it is a plain file.",
    ),
    fault(
        "keys.file-unwritten",
        "The key file at {path} could not be written; the old one stands.",
        "Free space or fix the folder's permissions, then try again.",
    ),
    fault(
        "keys.file-changed",
        "Another process changed the key file at {path}; nothing was written.",
        "Open the workspace again and repeat the command.",
    ),
    fault(
        "keys.epoch-unknown",
        "A sealed value names a key epoch that this key file does not hold.",
        "Put back the key file that belongs to this workspace.",
        exit_code=6,
    ),
    fault(
        "keys.epoch-destroyed",
        "A sealed value belongs to a key epoch that was destroyed.",
        "Nothing opens it again; if it belonged to no erased person, run `hedgerow doctor`.",
        exit_code=6,
    ),
    fault(
        "keys.epoch-in-use",
        "Something still lies under a key epoch that was about to be destroyed; nothing was destroyed.",
        "Run `hedgerow keys epoch --yes` again: it goes on where it stopped.",
    ),
    caller(
        "keys.epoch-current",
        "The current key epoch cannot be destroyed.",
        "Leave it: every key is wrapped under it. `hedgerow doctor` tells whether the key file is sound.",
    ),
    caller(
        "keys.epoch-absent",
        "No such key epoch is held.",
        "Run `hedgerow doctor`; if the key file is another workspace's, put back the copy of this one's.",
    ),
)
