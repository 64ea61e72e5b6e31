"""Starting is light: the package and --help load no third party but Click; small commands no engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.under_o, pytest.mark.with_extras]

HEAVY = {"pyarrow", "numpy", "duckdb", "opendp", "rich", "sqlglot", "narwhals"}
HELP = HEAVY | {"cryptography", "cedarpy"}
LIST = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
RUN = f"""
import contextlib, io, sys
from hedgerow.cli.main import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
{LIST}
"""


def loaded(hedgerow, code, *arguments):
    """List the top-level modules that are loaded after some code ran."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=hedgerow.surroundings(),
        check=True,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_no_third_party(nowhere):
    new = loaded(nowhere, "import hedgerow; " + LIST) - loaded(nowhere, LIST)
    assert new - set(sys.stdlib_module_names) == {"hedgerow"}


@pytest.mark.parametrize("arguments", [["--help"], ["collect", "--help"], ["subject", "erase", "-h"]])
def test_help_loads_no_library_but_click(nowhere, arguments):
    found = loaded(nowhere, RUN, *arguments)
    assert "click" in found
    assert not found & HELP


def test_help_loads_no_command(nowhere):
    code = RUN.replace(LIST, "print(' '.join(sys.modules))")
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        capture_output=True,
        text=True,
        env=nowhere.surroundings(),
        check=True,
    )
    assert "hedgerow.cli.main" in done.stdout.split()
    assert not [name for name in done.stdout.split() if name.startswith("hedgerow.cli.commands.")]


@pytest.mark.parametrize(
    "arguments", [["budget", "show"], ["purpose", "list"], ["journal", "head"], ["policy", "show"]]
)
def test_a_small_command_loads_no_engine(hedgerow, arguments):
    found = loaded(hedgerow, RUN, *arguments)
    assert "cryptography" in found, "the command did not run"
    assert not found & HEAVY
