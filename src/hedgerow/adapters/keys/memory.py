"""Master keys that live only as long as the process: for tests and library use."""

from __future__ import annotations

from hedgerow.adapters.keys.ring import Clock, Ring, RingKeys, utc_now


class MemoryKeys(RingKeys):
    """A key backend without a file; what it wrapped is lost with it.

    Args:
        clock: Tells the time at which epochs are made and destroyed.
    """

    name = "memory"
    sealed = False

    def __init__(self, clock: Clock = utc_now) -> None:
        super().__init__(Ring.first(clock()), clock)

    def describe(self) -> dict[str, object]:
        """Say what protects the keys, in plain values without any secret."""
        return {"backend": self.name, "sealed": False, "epochs": len(self.epochs())}
