"""Errors of the command line and the workspace."""

from __future__ import annotations

from hedgerow.model.errors.base import Details, ErrorRow, caller, fault


def _confirmed(details: Details) -> Details:
    return {"effect": "this cannot be undone", "before": "", **details}


ROWS: tuple[ErrorRow, ...] = (
    caller(
        "space.missing",
        "There is no workspace at {space}.",
        "Make one with `hedgerow init {space}`, or name another with --space DIR or HEDGEROW_SPACE.",
    ),
    caller(
        "space.not-named",
        "No workspace is named.",
        "Name one with --space DIR or the variable HEDGEROW_SPACE; `hedgerow init DIR` makes one.",
    ),
    caller("space.exists", "There is a workspace at {space} already.", "Use it with --space {space}."),
    caller("space.not-empty", "{space} is not an empty directory.", "Name a new one: `{again}`."),
    caller(
        "space.unfinished",
        "{space} holds a key file and no records: an init was cut off there, or another process runs it.",
        "Name a new one: `{again}`. {space} may go once it is sure that no init runs and that its records "
        "were not moved elsewhere.",
    ),
    caller(
        "space.unwritable",
        "{space} cannot be made.",
        "Name a directory you may write to: `hedgerow init DIR`.",
    ),
    caller(
        "out.exists",
        "{out} exists; it was not touched.",
        "Name another path with --out, or overwrite it with --force.",
    ),
    caller(
        "out.no-bundle",
        "{out} is no evidence bundle; it was not touched.",
        "Name another path with --out; --force replaces only an evidence bundle.",
    ),
    caller(
        "out.no-directory", "The directory of {out} does not exist.", "Make it first, or name another --out."
    ),
    caller(
        "out.unwritable",
        "{out} cannot be written.",
        "Check its directory's permissions and the disk's space.",
    ),
    fault(
        "out.stdout",
        "The result could not be written to the output: {reason}.",
        "Make room where the output goes, or send it elsewhere; what the command did stands.",
    ),
    caller(
        "out.not-written",
        "The release was made and debited, but {out} could not be written.",
        "Check its directory and the disk's space, then repeat the command with --request-id {request}, "
        "which costs nothing more.",
    ),
    caller(
        "out.in-workspace",
        "{out} lies in a workspace, which holds nothing but its own files; it was not touched.",
        "Name a path outside it with --out.",
    ),
    caller(
        "declare.malformed",
        "{option} cannot be read.",
        "Write --bounds age=0:120 or --keys ward=A,B,C or --keys ward=@FILE; one option for each column.",
    ),
    caller(
        "declare.bounds-order",
        "The lower bound of {option} is above the upper.",
        "Write LOWER:UPPER, for example 0:120.",
    ),
    caller(
        "declare.bounds-type",
        "The column {column} holds neither numbers nor dates; it has no bounds.",
        "Give bounds to columns of numbers, dates or points in time.",
    ),
    caller(
        "declare.bad-span",
        "{option} of a column of dates takes two dates, the first not after the last.",
        "Write for example --bounds seen=2024-01-01:2025-12-31; of points in time the last day counts whole.",
    ),
    caller(
        "declare.key-type",
        "A key of {column} does not fit its type ({type}).",
        "Give keys of that type; decimals cannot be keys.",
    ),
    caller(
        "declare.key-file",
        "The key file {path} cannot be read.",
        "Give a UTF-8 text file with one key a line.",
    ),
    caller("public.no-why", "A public table needs a reason.", 'Say it with --why "...".'),
    caller(
        "public.is-dataset",
        "{table} is the name of a data set, which is private.",
        "Give the public table another name.",
    ),
    caller(
        "public.too-large",
        "The table {table} holds more than {most} MiB.",
        "Declare a smaller table, of the columns that queries need.",
    ),
    caller(
        "public.broken",
        "The file of {table} has rows that cannot be read, the first at line {line}.",
        "Correct them: a public table is taken in whole.",
    ),
    caller(
        "public.unknown",
        "There is no public table {table}.",
        "See the public tables: hedgerow dataset public list",
    ),
    caller(
        "declare.unit-column",
        "{column} cannot be given with {option}: it is of another type.",
        "Give --household a column of text or whole numbers, and --day one of dates or times.",
    ),
    caller(
        "declare.unit",
        "The privacy unit that a budget is of can only be a person.",
        "Leave --unit out. `hedgerow query --unit household` needs --household COL --household-rows N here, "
        "and --unit person-day needs --day COL --rows-per-day N --max-days N.",
    ),
    caller(
        "declare.max-rows",
        "{option} is a whole number from 1 to 1,000,000.",
        "Write for example {option} 5.",
    ),
    caller(
        "declare.nothing",
        "Nothing was declared.",
        "Give --max-rows N, --max-groups N, --max-rows-per-group N, --bounds COL=LOWER:UPPER or "
        "--keys COL=A,B,C.",
    ),
    caller(
        "schema.malformed",
        "The schema file {path} cannot be used: {problem}.",
        'Write TOML lines such as keep = ["age"], and [types] above lines such as age = "integer"; '
        "docs/cli.md shows a whole file.",
    ),
    caller(
        "quarantine.unknown",
        "There is no quarantine batch {batch}.",
        "List them with `hedgerow collect --quarantine list`.",
    ),
    fault(
        "quarantine.altered",
        "The broken rows of batch {batch} are not those that were set aside: somebody changed the database"
        " beside Hedgerow. Nothing was done.",
        "Restore a backup from before (`hedgerow restore --help`), or destroy these rows: "
        "`hedgerow collect --quarantine discard --batch {batch}`.",
        exit_code=6,
    ),
    caller(
        "quarantine.still-broken",
        "No row of batch {batch} can be read now either.",
        "Correct these rows in a file of their own, under the same header; collect that, discard the batch.",
    ),
    caller(
        "purpose.no-owner",
        "There is no principal {principal}.",
        "Add it with `hedgerow principal add {principal} --role ROLE`.",
    ),
    caller(
        "budget.which-account",
        "A budget belongs to a data set and a purpose, or to the population.",
        "Write `hedgerow budget allocate DATASET --purpose P --epsilon E`, or --population.",
    ),
    caller(
        "budget.no-period",
        "That is no period of a budget.",
        "Write one of `--period 2026`, `--period 2026-Q4`, `--period 2026-10`, `--every quarter`, or both "
        "`--from 2026-10-01` and `--until 2026-12-31`.",
    ),
    caller(
        "budget.no-such-period",
        "No limit of {period} is set there.",
        "See the limits: `hedgerow budget show`; end one of each quarter by --every quarter, one of days "
        "by the --period, or --from and --until, that it was set with.",
    ),
    caller(
        "usage.malformed",
        "{problem}",
        "See how it is written with `{command} --help`.",
    ),
    caller(
        "interrupted",
        "Interrupted; nothing half-written was left.",
        "Repeat the command; what was finished stands, and a use that had begun keeps its cost.",
        exit_code=130,
        status=499,
    ),
    caller(
        "collect.basis-of-no-purpose",
        "--basis names the purpose {purpose}, which no --purpose names.",
        "Add --purpose {purpose}, or correct the name before the = of --basis.",
    ),
    caller(
        "collect.consents-unreadable",
        "The consents file {path} is no CSV file in UTF-8.",
        "Give a CSV with the columns subject, purpose and time.",
    ),
    caller(
        "collect.rows-malformed",
        "The rows are no table: {problem}.",
        "Give a list of mappings, one kind of value in each column, or an Arrow, pandas or Polars table.",
    ),
    caller("file.missing", "{path} cannot be read.", "Check the path and its permissions."),
    caller(
        "released.unknown",
        "There is no release {release}.",
        "List them with `hedgerow released list`.",
        status=404,
    ),
    caller(
        "hierarchies.no-directory",
        "{path} is no directory of hierarchy files.",
        "Name a directory with --hierarchies, or leave it out to have hierarchies built.",
    ),
    caller(
        "hierarchies.unreadable",
        "The hierarchy file {file} is not there or cannot be read as text in UTF-8.",
        "Check its path and permissions, and save it as UTF-8: a line for each value, such as "
        "39;35-39;30-39;*",
    ),
    caller(
        "hierarchies.none-fits",
        "No file in {path} belongs to a quasi-identifier.",
        "Name the files COLUMN.csv or ANYTHING_COLUMN.csv.",
    ),
    caller(
        "discover.no-tables",
        "{path} holds no CSV, JSONL or Parquet file.",
        "Name a file or a directory of such files.",
    ),
    caller(
        "confirm.needed",
        "Nothing was done: {effect}.",
        "Read the plan above and repeat with --yes{before}.",
        derived=_confirmed,
    ),
    fault(
        "ledger.differs",
        "The ledger's total of {dataset} for {purpose} does not fit its charges.",
        "Stop spending and compare with the journal: `hedgerow evidence export --out DIR`.",
        exit_code=6,
    ),
    fault(
        "records.differ",
        "The {kind} in the database are not those that were written through the gate.",
        "Stop using the workspace and compare: `hedgerow evidence export --out DIR`.",
        exit_code=6,
    ),
    fault(
        "ledger.unknown-event",
        "A charge of the ledger is of a kind that this version does not know.",
        "Use the version of Hedgerow that wrote it, or a later one.",
    ),
    fault(
        "ledger.not-journaled",
        "The ledger and the journal tell different charges.",
        "Stop spending and compare them: `hedgerow evidence export --out DIR`.",
        exit_code=6,
    ),
    fault(
        "unexpected",
        "Something unforeseen happened ({kind}).",
        "Repeat the command with HEDGEROW_DEBUG=1 to see where, and report it.",
    ),
)
