"""How many bytes of the disk are stored for whom: uploads and models of visitors in one account."""

import threading
from collections import Counter

from training.limits import Limits

SHARES = 4  # one owner may have this part of all: a school behind one address sends photos, too


class StorageFull(ValueError):  # noqa: N818 - nothing is wrong with the program
    """There is no room. of: "all" where nobody has any, "owner" where this one's share is used up."""

    def __init__(self, of: str) -> None:
        super().__init__("There is no room for more files now. Please try again later.")
        self.of = of


class StorageAccount:
    """Bytes stored, in all and by owner: an address, as `ui.server.addresses.client_address` gives it.

    most: bytes of all owners together; most_of_owner: of each. Safe to use from several threads.
    """

    def __init__(self, most: int, most_of_owner: int) -> None:
        self.most, self.most_of_owner = most, most_of_owner
        self._stored: Counter[str] = Counter()
        self._total = 0
        self._lock = threading.Lock()

    @classmethod
    def within(cls, limits: Limits) -> "StorageAccount":
        """The account of a host that allows `limits.stored_bytes`."""
        return cls(limits.stored_bytes, limits.stored_bytes // SHARES)

    @property
    def total(self) -> int:
        with self._lock:
            return self._total

    def of(self, owner: str) -> int:
        with self._lock:
            return self._stored[owner]

    def take(self, owner: str, size: int) -> None:
        """Counts `size` bytes more; raises StorageFull, and counts nothing, where they are too many."""
        with self._lock:
            if self._total + size > self.most:
                raise StorageFull("all")
            if self._stored[owner] + size > self.most_of_owner:
                raise StorageFull("owner")
            self._change(owner, size)

    def give_back(self, owner: str, size: int) -> None:
        with self._lock:
            self._change(owner, -size)

    def correct(self, owner: str, size: int) -> None:
        """Counts what is stored already, whether there is room for it or not; fewer bytes where negative."""
        with self._lock:
            self._change(owner, size)

    def _change(self, owner: str, size: int) -> None:
        self._total += size
        self._stored[owner] += size
        if not self._stored[owner]:
            del self._stored[owner]
