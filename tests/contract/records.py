"""What the tests of stores put in and read back."""

from __future__ import annotations

from hedgerow.model.records import Request, Setting


def put(store, *records):
    """Put records in one write."""
    with store.write() as tx:
        for record in records:
            tx.put(record)


def all_of(store, kind=Setting):
    """Read every record of a kind."""
    with store.read() as reader:
        return reader.find(kind)


def request(name, sealed=None):
    """Make a request."""
    return Request(name, "b", "spent", "d", 1, 0, "p", person_level=False, entry=0, sealed=sealed)


def break_off(store, error=RuntimeError):
    """Change three records and fail."""
    with store.write() as tx:
        tx.put(Setting("a", "new"))
        tx.add([Setting("b", "new")])
        tx.remove(Setting, name="gone")
        raise error
