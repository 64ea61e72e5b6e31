"""Write the step to the newest schema out, so that it never changes again.

Run it once a schema is given out: ``python tools/freeze_schema.py``. From then on a record that changes needs
the next schema: keep a small workspace of this one under ``tests/fixtures``, made by the program as it is,
count ``SCHEMA_VERSION`` up and add ``revisions/versions/schema_N.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hedgerow.adapters.store import frozen, history
from hedgerow.model.records import SCHEMA_VERSION


def main() -> int:
    """Write both files, unless they are there.

    Returns:
        0 when they were written, 1 when the schema was given out before.
    """
    if history.frozen(SCHEMA_VERSION) is not None:
        print(f"schema {SCHEMA_VERSION} was given out before; it was left alone", file=sys.stderr)
        return 1
    step = history.drafted(SCHEMA_VERSION)
    for kind, statements in (("sqlite", step.sqlite), ("postgres", step.postgres)):
        path = Path(frozen.__file__).parent / f"schema_{SCHEMA_VERSION}_{kind}.sql"
        path.write_text("".join(f"{statement}\n" for statement in statements), encoding="utf-8")
        print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
