"""Errors of backups, of restoring, and of spending that a restore cannot know."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

_INTEGRITY = 6
_ANOTHER = (
    "Nothing was restored. Take another copy of the backup, or another one (`hedgerow restore --help`)."
)

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "backup.no-recipient",
        "Nobody is named who shall be able to open the backup.",
        "Run `hedgerow file identity --out FILE --recipient-out FILE` on another machine, and name the "
        "recipient with --recipient FILE; it is remembered then.",
    ),
    fault(
        "backup.recipients-differ",
        "The recipients remembered are not those of the last backup: the journal names {told}.",
        "Somebody may have changed the records. Name them yourself: `hedgerow backup make --recipient KEY`.",
        exit_code=_INTEGRITY,
    ),
    caller(
        "backup.inside",
        "{path} lies inside the workspace: what destroys the workspace would take the backup along.",
        "Choose a folder on another disk, best on another machine.",
    ),
    caller(
        "backup.not-apart",
        "The data set and the key set would go into the same folder.",
        "Leave --keys-to out, or name another folder, best on another disk.",
    ),
    caller(
        "backup.folder-foreign",
        "{path} holds backups of another workspace.",
        "Choose a folder of its own for each workspace.",
    ),
    caller(
        "backup.folder-other-line",
        "{path} belongs to the workspace that this one was restored from, or to another copy of it.",
        "Choose a new folder; once that one is gone for good, take it over: `hedgerow backup make --to {to} "
        "--adopt`, with its --keys-to.",
    ),
    fault(
        "backup.list-ahead",
        "The list of erasures in {path} tells what this workspace does not know.",
        "Another copy of this workspace wrote it. Leave the folder to that one; make backups in a new one.",
        exit_code=_INTEGRITY,
    ),
    caller(
        "backup.folder-in-use",
        "{path} holds other things than backups.",
        "Choose a new or empty folder.",
    ),
    caller(
        "backup.keep-days",
        "Key sets are kept from 1 to {most} days.",
        "Choose --keep-keys within that; an erasure is final only once no key set of before is left.",
    ),
    fault(
        "backup.unwritable",
        "{path} cannot be read or written: {reason}.",
        "Mount its disk or make room on it, and run the command again; what was half written does not count.",
        status=503,
    ),
    fault(
        "backup.busy",
        "Another program is making a backup in {path}.",
        "Wait until it is done.",
        status=503,
    ),
    caller(
        "backup.keys-moving",
        "The master keys are on the move from one place to another; a backup now could not be opened.",
        "Finish it with `hedgerow keys move`, then make the backup.",
    ),
    fault(
        "backup.overtaken",
        "A key epoch ended while the backup was made, so that nothing would open it; it was thrown away.",
        "Run the command again.",
        status=503,
    ),
    caller(
        "backup.none",
        "{path} holds no backup that is whole.",
        "Name the folder that `hedgerow backup make --to` wrote; a backup that was cut off has no manifest.",
    ),
    caller(
        "backup.unknown",
        "The folder holds no backup {backup} that is whole.",
        "Leave --backup out for the newest, or name one of the files manifest-NAME.json.",
    ),
    caller(
        "backup.newer",
        "A newer Hedgerow made this backup (format {found}, known {known}).",
        "Restore it with that version.",
    ),
    caller(
        "backup.keys-missing",
        "{path} holds no key set for this backup: it ended, was destroyed or is kept elsewhere.",
        "Name the folder of the key set with --keys-from. Without it nothing of the data set opens.",
    ),
    caller(
        "backup.keys-ended",
        "Backup {backup} lies under a master key that the key file beside its key set holds no more.",
        "`hedgerow keys epoch` ended it. Restore a later backup: see `hedgerow backup list`.",
    ),
    fault(
        "backup.unreadable",
        "{path} of the backup is missing or cannot be read.",
        _ANOTHER,
    ),
    fault(
        "backup.damaged",
        "The backup is not what was written: its {part} is missing, cut short or changed.",
        _ANOTHER,
        exit_code=_INTEGRITY,
    ),
    fault(
        "backup.foreign",
        "The parts of the backup are of different workspaces.",
        _ANOTHER,
        exit_code=_INTEGRITY,
    ),
    fault(
        "backup.changed",
        "The manifest of the backup is not signed by the journal's key.",
        _ANOTHER,
        exit_code=_INTEGRITY,
    ),
    fault(
        "backup.not-trusted",
        "The backup is signed by {found}, and you trust {trusted}.",
        "Compare the fingerprint with the one that `hedgerow init` printed; a stranger may have made it.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "backup.other-head",
        "The journal in the backup is not the one that its head tells of.",
        _ANOTHER,
        exit_code=_INTEGRITY,
    ),
    caller(
        "backup.list-older",
        "This list of erasures was written at {time}, before the backup.",
        "Give a newer one: erasures.json of another folder with backups, or of `hedgerow backup erasures`.",
    ),
    fault(
        "backup.list-foreign",
        "This list of erasures is of another workspace, or of one that went another way since.",
        "Give the list of the workspace that the backup was made of.",
        exit_code=_INTEGRITY,
    ),
    fault(
        "backup.list-changed",
        "This list of erasures was changed or damaged: its signature does not hold.",
        "Give another copy of it; without it people who were erased would come back.",
        exit_code=_INTEGRITY,
    ),
    caller(
        "restore.target",
        "{space} is there already and is not an empty folder.",
        "Name a new folder with --space; a restore never writes over a workspace.",
    ),
    fault(
        "restore.busy",
        "Another program is restoring into {space}.",
        "Wait until it is done, or name another folder with --space.",
        status=503,
    ),
    caller(
        "restore.identity-sealed",
        "The identity is sealed by a passphrase and none was given.",
        "Set HEDGEROW_IDENTITY_PASSPHRASE, name a file with --identity-passphrase-file FILE, or run in a "
        "terminal and type it.",
        exit_code=4,
        status=401,
    ),
    caller(
        "restore.erasures-unknown",
        "Nobody who was erased may come back, and what is known of erasures ends at {since}.",
        "Give a newer list with --erasures FILE, or let a privacy officer state that nobody was erased: "
        '--nobody-erased-since "why you know" --as OFFICER.',
    ),
    caller(
        "restore.head-tells-more",
        "The head of {time} kept outside tells of erasures that no list here tells of as it does.",
        "Give the newest list of the workspace of that head with --erasures FILE: erasures.json of another "
        "folder, or of `hedgerow backup erasures`. No statement outweighs a signed head.",
    ),
    caller(
        "restore.head-older",
        "The head kept outside has {size} entries, the backup {entries}: it tells nothing of the time after.",
        "Give the newest one, or leave --head out: budgets then count as spent until officers state them.",
    ),
    fault(
        "restore.still-there",
        "After erasures were repeated, something of an erased person was still there; nothing was restored.",
        "Keep the backup, and report this.",
        exit_code=_INTEGRITY,
    ),
    refused(
        "budget.unknown",
        "This workspace was restored at {since}, and nobody knows what was spent before: every budget counts "
        "as spent.",
        "Let a privacy officer state it: `hedgerow budget restate --spent DATASET:PURPOSE=E --as OFFICER`; a "
        "second one must approve.",
        exit_code=5,
    ),
    caller(
        "budget.known",
        "What was spent is known; there is nothing to state.",
        "See it with `hedgerow budget show`.",
    ),
    caller(
        "budget.spent-malformed",
        "--spent takes DATASET:PURPOSE=E, or population=E.",
        "For example --spent visits:research=1.5; an account you do not name counts as spent to its limit.",
    ),
    caller(
        "budget.no-account",
        "There is no account {account}: what was stated for it would be charged to nothing that can be used.",
        "{near}See those there are with `hedgerow budget show` and `hedgerow dataset list`.",
    ),
    caller(
        "budget.spent-less",
        "The ledger has more spending of {dataset} than stated already; nothing spent is given back.",
        "State at least what `hedgerow budget show` shows as spent.",
    ),
)
