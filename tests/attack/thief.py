"""A thief for the attack tests: has the whole directory of a workspace and, where told, its keys.

He reads files and database by himself, tries every key on everything sealed, and reports all plaintext he
gets. A small workspace for him to rob is made here too.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from tests.program import Program

from hedgerow.adapters.keys import file as key_file
from hedgerow.kernel.envelope import open_sealed
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import HedgerowError
from hedgerow.model.keys import Binding

REF = "ZQ-777-0042"
NAME = "Zebulon Quixotic Featherstonehaugh"
EMAIL = "zebulon.q@featherstonehaugh.example"
DIAGNOSIS = "xylophone-fever"
PRESSURE = 917263
BALANCE = 84736251
MARKERS = (REF, NAME, EMAIL, DIAGNOSIS, str(PRESSURE), str(BALANCE))
PASSPHRASE = "correct horse battery"
PURPOSE = ("--purpose", "research", "--basis", "consent")
RELEASE = (
    "release", "visits", "--purpose", "research", "--quasi", "zip,age", "--sensitive", "diagnosis",
    "--keep", "systolic", "--k", "2", "--suppress", "0", "--request-id", "leaves", "--out",
)  # fmt: skip


def write_csv(path: Path, head, rows) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
    return path


VISITS = ("patient_ref", "full_name", "email", "zip", "age", "diagnosis", "systolic")
ACCOUNTS = ("account_ref", "balance", "branch")


def write_sources(folder: Path) -> None:
    """Write two tables of forty people; the marked one is in both, in broken rows too."""
    visits = [
        [f"P-{i:04d}", f"Person Number{i}", f"p{i}@example.org", 1000 + i % 2, 30 + i % 4, "cough", 120 + i]
        for i in range(40)
    ]
    marked = [REF, NAME, EMAIL, 1001, 31, DIAGNOSIS, PRESSURE]
    broken = [[*marked[:4], "thirty", *marked[5:]], [*marked, "one cell too many"]]
    other = [*visits[3][:4], "forty", *visits[3][5:]]
    write_csv(folder / "visits.csv", VISITS, [*visits, marked, marked, *broken, other])
    accounts = [[f"P-{i:04d}", 100 * i, "main"] for i in range(0, 40, 2)]
    write_csv(folder / "accounts.csv", ACCOUNTS, [*accounts, [REF, BALANCE, "main"], [REF, "lots", "main"]])
    people = [*(row[0] for row in visits), REF]
    write_csv(folder / "consents.csv", ("subject", "purpose", "time"),
              [[ref, "research", "2025-01-01T00:00:00Z"] for ref in people])  # fmt: skip


def build(folder: Path, passphrase: str | None = None, address: str | None = None) -> Program:
    """Make a workspace that holds the marked person in every way there is, in a database when told."""
    write_sources(folder)
    program = Program(address or folder / "space", passphrase)
    for line in (
        ("init", address, "--files", folder / "space") if address else ("init", folder / "space"),
        ("purpose", "add", "research", "--why", "health", "--owner", "owner", "--until", "2099-01-01"),
        ("collect", folder / "visits.csv", "--dataset", "visits", "--subject-key", "patient_ref", *PURPOSE,
         "--drop", "", "--consents", folder / "consents.csv"),
        ("collect", folder / "accounts.csv", "--dataset", "accounts", "--subject-key", "account_ref",
         *PURPOSE, "--drop", ""),
        (*RELEASE, folder / "released.csv"),
        ("dataset", "declare", "visits", "--max-rows", "2", "--bounds", "systolic=80:220"),
        ("budget", "allocate", "visits", "--epsilon", "4", "--purpose", "research"),
        ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.5",
         "--request-id", "asks"),
        ("consent", "withdraw", REF, "--purpose", "research"),
        ("consent", "grant", REF, "--purpose", "research"),
        ("subject", "show", REF),
        ("subject", "export", REF),
        ("subject", "export", REF),
    ):  # fmt: skip
        done = program.call(*line)
        assert done.code == 0, (line, done.err)
    return program


class Thief:
    """Robs one directory.

    Args:
        directory: The workspace.
        passphrase: The one of its key file, or none when there is none; without ``has_keys`` unused.
        has_keys: Whether he can open the key file.
    """

    def __init__(self, directory: Path, passphrase: str | None = None, *, has_keys: bool = True) -> None:
        self.directory = directory
        self.files = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        self.backend = key_file.open_(directory / "keys.json", passphrase) if has_keys else None
        self.tenant = self.rows("settings", name="tenant")[0]["value"]

    def rows(self, table: str, **equals):
        """Read a table by himself, as whoever has the file can."""
        with contextlib.closing(sqlite3.connect(self.directory / "hedgerow.db")) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
        return [row for row in found if all(row[name] == value for name, value in equals.items())]

    def tables(self):
        with contextlib.closing(sqlite3.connect(self.directory / "hedgerow.db")) as connection:
            return [
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]

    def bytes_holding(self, *needles: bytes):
        """Name the needles that stand in the bytes of any file or in any file's name."""
        texts = [*self.files.values(), *(str(path).encode() for path in self.files)]
        return {needle for needle in needles if any(needle in text for text in texts)}

    def _try(self, wrapped, binding):
        with contextlib.suppress(HedgerowError):
            return [self.backend.unwrap(wrapped, binding)]
        return []

    def subject_keys(self):
        keys = []
        for row in self.rows("subjects"):
            keys += self._try(row["wrapped"], Binding(self.tenant, "subject-key", row["number"], "", 1))
        return keys

    def bucket_keys(self):
        keys = []
        for row in self.rows("buckets"):
            keys += self._try(
                row["wrapped"], Binding(self.tenant, "bucket-key", row["dataset"], row["file"], 1)
            )
        return keys

    def everything(self):
        """Open all that any key opens and give the plaintext."""
        return [*self._plain_rows(), *self._fields(), *self._buckets(), *self._results(), *self._quarantine()]

    def _plain_rows(self):
        """What stands in the database in the open."""
        return [repr(row) for table in self.tables() for row in self.rows(table)]

    def _opened(self, keys, sealed, binding):
        for key in keys:
            with contextlib.suppress(HedgerowError):
                yield open_sealed(key, sealed, binding).decode("utf-8", "replace")

    def _fields(self):
        keys, found = [*self.subject_keys(), *self.bucket_keys()], []
        for row in self.rows("sealed_fields"):
            name = canonical([row["dataset"], row["name"]]).decode()
            found += self._opened(keys, row["sealed"], Binding(self.tenant, "field", row["number"], name, 1))
        for row in self.rows("commitments"):
            binding = Binding(self.tenant, "journal-salt", row["number"], str(row["entry"]), 1)
            found += [
                f"commitment of entry {row['entry']}" for _ in self._opened(keys, row["sealed"], binding)
            ]
        return found

    def _buckets(self):
        """Try every key on every file of the table folder, with the manifest's own bindings."""
        found = []
        for path in (self.directory / "tables").iterdir():
            if path.name.startswith(".") or not self.files.get(path):
                continue
            for row in self.rows("buckets"):
                binding = Binding(
                    self.tenant, "bucket", row["dataset"], "", row["written_version"]
                ).as_bytes()
                place = row["bucket"].to_bytes(4, "big") + row["bucket_count"].to_bytes(4, "big")
                for key in {*self.bucket_keys(), *self.subject_keys()}:
                    found += self._parquet(self.files[path], key, b"hedgerow bucket v1\n" + place + binding)
        return found

    def _parquet(self, content, key, aad):
        unseal = pe.create_decryption_properties(
            footer_key=key, aad_prefix=aad, check_footer_integrity=True, allow_plaintext_files=False
        )
        with contextlib.suppress(Exception):
            return [
                str(row)
                for row in pq.read_table(io.BytesIO(content), decryption_properties=unseal).to_pylist()
            ]
        return []

    def _results(self):
        found = []
        for row in self.rows("requests"):
            if row["sealed"] is None:
                continue
            for key in self._try(row["wrapped"], Binding(self.tenant, "result-key", row["id"], "", 1)):
                # He needs no flag to be true: what the result is bound to lies beside it.
                bound, sealed = row["sealed"][1:33].hex(), row["sealed"][33:]
                body = open_sealed(key, sealed, Binding(self.tenant, "result", row["id"], bound, 2))
                found.append(json.dumps(json.loads(zlib.decompress(body))))
        return found

    def _quarantine(self):
        found = []
        for batch in self.rows("quarantine_batches"):
            binding = Binding(self.tenant, "quarantine-key", batch["id"], "0", 1)
            for key in self._try(batch["wrapped"], binding):
                for row in self.rows("quarantined_rows", batch=batch["id"]):
                    said = [batch[name] for name in ("dataset", "header", "created", "until")]
                    told = digest([digest(said), row["place"], row["reason"]])
                    own = Binding(self.tenant, "quarantine", batch["id"], told, 2)
                    found += self._opened([key], row["sealed"], own)
        return found


def markers_in(texts):
    """Name the markers of the person that stand in any of the texts."""
    return {marker for marker in MARKERS if any(marker in text for text in texts)}
