"""Errors of keys, envelopes and the workspace's secrets."""

from __future__ import annotations

from hedgerow.model.errors.base import Details, ErrorRow, caller, fault, refused

_WAYS_TO_GIVE_IT = (
    "Set HEDGEROW_PASSPHRASE, name a file with --passphrase-file FILE, or run in a terminal and type it."
)


def _told_ways(details: Details) -> Details:
    return {"ways": _WAYS_TO_GIVE_IT, **details}


_RESTORE = "Put back the key file from its backup; nothing was changed."

_TOKEN_ROWS: tuple[ErrorRow, ...] = (
    caller(
        "keys.token-unnamed",
        "The token that shall keep the keys is not named.",
        "Name it with --token LABEL.",
    ),
    caller(
        "keys.module-unset",
        "The keys are in a token, and the variable HEDGEROW_PKCS11_MODULE does not name its library.",
        "Run `export HEDGEROW_PKCS11_MODULE=FILE` with the PKCS#11 library that came with the token.",
    ),
    caller(
        "keys.module-unusable",
        "HEDGEROW_PKCS11_MODULE names {path}, which is no PKCS#11 library.",
        "Give the whole path of the library that came with the token.",
    ),
    fault(
        "keys.extra-missing",
        "Keys in a token need a package that is not installed.",
        "Run `pip install 'hedgerow[pkcs11]'`.",
        exit_code=7,
        status=422,
    ),
    caller(
        "keys.token-absent",
        "The token {token} of these keys is not there.",
        "Plug it in or start its service, and see that HEDGEROW_PKCS11_MODULE names its library.",
    ),
    caller(
        "keys.token-twice",
        "Two tokens have the label {token}.",
        "Take one out, or give it another label.",
    ),
    caller(
        "keys.token-unfit",
        "The token {token} cannot keep the keys: it lacks AES-256-GCM, or would let a key out.",
        "Use another token, or allow it AES key generation and CKM_AES_GCM with nonces of the caller.",
    ),
    fault(
        "keys.token-full",
        "The token {token} has no room for another key; nothing was changed.",
        "Remove what it does not need, or run `hedgerow keys epoch --yes` to end old keys of this workspace.",
    ),
    fault(
        "keys.token-lost",
        "The token {token} stopped answering.",
        "See that it is there, then run the command again: it goes on where it stopped.",
    ),
    fault(
        "keys.token-busy",
        "Another part of this program is logged in at the token {token}.",
        "Log it out there, or use the workspace from a process of its own.",
    ),
    fault(
        "keys.token-key-gone",
        "The token {token} does not hold a master key that this workspace rests on.",
        "Put back token.json if it is an older copy; if the token was reset, restore the token's own backup.",
        exit_code=6,
    ),
    caller(
        "keys.pin-needed",
        "The keys are in the token {token} and its PIN was not given.",
        "Give it as a passphrase: set HEDGEROW_PASSPHRASE, use --passphrase-file FILE, or type it.",
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.new-pin-needed",
        "The PIN of the token {token}, where the keys shall move to, was not given; nothing was changed.",
        "Set HEDGEROW_NEW_PASSPHRASE, name a file with --new-passphrase-file FILE, or run in a terminal and "
        "type it.",
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.pin-wrong",
        "The PIN does not open the token {token}.",
        "Try again with the PIN of its user; most tokens lock after a few wrong ones.",
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.pin-locked",
        "The PIN of the token {token} is locked after too many wrong ones.",
        "Have the token's security officer set a new one; the keys are still in it.",
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.pin-unset",
        "The PIN of the token {token} was never set or has expired.",
        "Set it with the token's own program, then try again.",
        exit_code=4,
        status=401,
    ),
)

ROWS: tuple[ErrorRow, ...] = (
    fault(
        "envelope.unreadable",
        "A sealed value could not be opened: it was altered, moved or sealed under another key.",
        "Nothing was changed. Restore a backup of before in another folder: `hedgerow restore --help`; its "
        "--verify opens every sealed value.",
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
    caller("keys.passphrase-empty", "The passphrase is empty.", "{ways}", derived=_told_ways),
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
        "Name the workspace with --space DIR, put back the key file from its backup, or have an officer run "
        "`hedgerow keys escrow-restore ESCROW --identity FILE`.",
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
        "Open the workspace again; if that does not help, put back the key file that belongs to it.",
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
    fault(
        "keys.moved",
        "Another program moved the master keys to another place meanwhile; nothing was written.",
        "Open the workspace again and repeat the command.",
    ),
    caller(
        "keys.move-same",
        "The master keys are kept there already.",
        "Run `hedgerow keys status` to see where they are.",
    ),
    caller(
        "keys.move-unfinished",
        "A move of the master keys to {to} was cut off and has to end first.",
        "Run `hedgerow keys move --to {to} --yes`: it goes on where it stopped.",
    ),
    caller(
        "keys.move-begun",
        "A move of the master keys to the token {token} was begun before.",
        "Run `hedgerow keys move --to pkcs11 --token {token} --yes`, or delete token.json to give it up.",
    ),
    caller(
        "keys.passphrase-same",
        "The new passphrase is the one the key file has; nothing was changed.",
        "Give another one.",
    ),
    caller(
        "keys.pin-elsewhere",
        "The keys are in a token: its PIN is not Hedgerow's to change.",
        "Change it with the token's own program, for example `pkcs11-tool --login --change-pin`; nothing "
        "here needs to know.",
    ),
    caller(
        "keys.new-passphrase-missing",
        "The new passphrase was not given; nothing was changed.",
        "Set HEDGEROW_NEW_PASSPHRASE, name a file with --new-passphrase-file FILE, or run in a terminal and "
        "type it.",
        exit_code=4,
        status=401,
    ),
    caller(
        "keys.epoch-unfinished",
        "The end of an epoch was cut off, and older keys are still to be destroyed; nothing was changed.",
        "Run `hedgerow keys epoch --yes`, which goes on; then `hedgerow keys rotate`, if it is still wanted.",
    ),
    caller(
        "keys.change-unfinished",
        "A change of the master key was cut off and has to end before the keys can move.",
        "Run `hedgerow keys epoch --yes`: it goes on where the change stopped.",
    ),
    caller(
        "keys.new-passphrase-needed",
        "The new key file needs a passphrase and none was given.",
        "Set HEDGEROW_NEW_PASSPHRASE, name a file with --new-passphrase-file FILE, or say --no-passphrase.",
        exit_code=4,
        status=401,
    ),
    *_TOKEN_ROWS,
)
