"""The disk space that visitors use, with their uploads and their models, in total and per address."""

import threading
from collections import Counter
from collections.abc import Hashable


class StorageAccount:
    """Who uses how many bytes. Thread-safe, and never blocks the event loop.

    most_bytes: limit of the total. address_bytes: limit per address.
    """

    def __init__(self, most_bytes: int, address_bytes: int) -> None:
        self.most_bytes, self.address_bytes = most_bytes, address_bytes
        self._entries: dict[Hashable, tuple[str, int]] = {}
        self._of_address: Counter[str] = Counter()
        self._total = 0
        self._lock = threading.Lock()  # held for these sums alone

    def enter(self, owner: Hashable, address: str, size: int) -> None:
        """Record that `owner`, a visitor or a file, uses `size` bytes, charged to this address.

        This replaces what was recorded for the same owner before.
        """
        with self._lock:
            self._enter(owner, address, size)

    def reserve(self, owner: Hashable, address: str, size: int) -> bool:
        """Like `enter` if there is room for it; otherwise returns False and changes nothing."""
        with self._lock:
            if not self._has_room(address, size):
                return False
            self._enter(owner, address, size)
            return True

    def remove(self, owner: Hashable) -> None:
        """Forget `owner`. Unknown owners are ignored."""
        with self._lock:
            self._remove(owner)

    def has_room(self, address: str, size: int) -> bool:
        """Whether this address may use `size` more bytes."""
        with self._lock:
            return self._has_room(address, size)

    def stored_bytes(self, address: str | None = None) -> int:
        """Bytes in use by this address, or in total for None."""
        with self._lock:
            return self._total if address is None else self._of_address.get(address, 0)

    def _has_room(self, address: str, size: int) -> bool:
        is_within_share = self._of_address.get(address, 0) + size <= self.address_bytes
        return is_within_share and self._total + size <= self.most_bytes

    def _enter(self, owner: Hashable, address: str, size: int) -> None:
        self._remove(owner)
        self._entries[owner] = address, size
        self._of_address[address] += size
        self._total += size

    def _remove(self, owner: Hashable) -> None:
        address, size = self._entries.pop(owner, ("", 0))
        self._total -= size
        self._of_address[address] -= size
        if not self._of_address[address]:
            del self._of_address[address]
