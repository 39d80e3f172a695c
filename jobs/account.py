"""One account of all bytes that strangers keep on this disk: what they upload and what they train."""

import threading
from collections import Counter
from collections.abc import Hashable


class StorageAccount:
    """Whose files take how much. Safe to use from any thread, the event loop's among them.

    most_bytes: of all together. address_bytes: of one address.
    """

    def __init__(self, most_bytes: int, address_bytes: int) -> None:
        self.most_bytes, self.address_bytes = most_bytes, address_bytes
        self._entries: dict[Hashable, tuple[str, int]] = {}
        self._of_address: Counter[str] = Counter()
        self._total = 0
        self._lock = threading.Lock()  # held for these sums alone

    def enter(self, owner: Hashable, address: str, size: int) -> None:
        """From now on `owner`, a visitor or a file, takes `size` bytes on account of this address.

        What was entered for the same owner before no longer counts.
        """
        with self._lock:
            self._enter(owner, address, size)

    def reserve(self, owner: Hashable, address: str, size: int) -> bool:
        """`enter`, where there is room for that; False, and nothing changes, where there is none."""
        with self._lock:
            if not self._has_room(address, size):
                return False
            self._enter(owner, address, size)
            return True

    def remove(self, owner: Hashable) -> None:
        """`owner` takes nothing any more. Unknown ones do nothing."""
        with self._lock:
            self._remove(owner)

    def has_room(self, address: str, size: int) -> bool:
        """Whether this address may take so many bytes more."""
        with self._lock:
            return self._has_room(address, size)

    def stored_bytes(self, address: str | None = None) -> int:
        """Bytes that this address takes, or, for None, all of them."""
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
