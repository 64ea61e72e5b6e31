"""``python -m hedgerow`` is the command line."""

from __future__ import annotations

from hedgerow.cli.main import main

if __name__ == "__main__":
    main()
