"""Each passphrase that a fresh process sets costs what RFC 9106 recommends: only tests make it cheap."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.passphrases import LEAST

from hedgerow.adapters.keys import RFC9106_SECOND, create

SECOND = {"memory_kib": 65_536, "iterations": 3, "lanes": 4}  # RFC 9106, section 4, second option
TELL = """
import json, sys
from hedgerow.adapters.keys import change_passphrase, create, open_
from hedgerow.kernel.hybrid import Passphrase, new_identity, write_identity

folder = sys.argv[1]
made = create(f"{folder}/made.json", "a hedge")
costs = [made.describe()["passphrase_check"]]
change_passphrase(f"{folder}/made.json", "a hedge", "another hedge")
changed = open_(f"{folder}/made.json", "another hedge")
costs.append(changed.describe()["passphrase_check"])
changed.seal_anew("a third hedge")
costs.append(changed.describe()["passphrase_check"])
costs.append(json.loads(write_identity(new_identity(), "a hedge"))["kdf"])
costs.append(Passphrase("a hedge").seal(bytes(32), b"purpose")["kdf"])
print(json.dumps(costs))
"""


def cost_of(told):
    return {name: told[name] for name in SECOND}


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_every_default_cost_is_the_second_option_of_rfc_9106(tmp_path):
    costs = json.loads(run(TELL, tmp_path))
    assert len(costs) == 5
    assert [cost_of(each) for each in costs] == [SECOND] * 5


def test_a_workspace_made_by_the_program_has_the_full_cost(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("a hedge\n")
    secret.chmod(0o600)
    call = "import sys; from hedgerow.cli.main import main; main(sys.argv[1:])"
    run(call, "init", tmp_path / "space", "--passphrase-file", secret)
    held = json.loads((tmp_path / "space" / "keys.json").read_text())
    assert cost_of(held["kdf"]) == SECOND


def test_the_tests_themselves_pay_the_least(tmp_path):
    """So that the two above look at another process for a reason."""
    assert {name: getattr(RFC9106_SECOND, name) for name in LEAST} == LEAST
    assert cost_of(create(tmp_path / "made.json", "a hedge").describe()["passphrase_check"]) == LEAST
