"""Copies of networks that visitors took a training step with, as many as fit into memory."""

import threading
import uuid
from collections import OrderedDict

from cnn import Sequential

MOST_BYTES = 64_000_000  # of the parameters of all copies together; seed_net has 3.2 million
MOST_OF_SESSION = 8
GONE = "The network after that step was not kept: too many others took steps since. Please take it again."


class Copies:
    """Networks by session and token, of which those that were used least lately are dropped first."""

    def __init__(self, most_bytes: int = MOST_BYTES, most_of_session: int = MOST_OF_SESSION) -> None:
        self.most_bytes, self.most_of_session = most_bytes, most_of_session
        self._models: OrderedDict[tuple[str, str], Sequential] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, session: str, model: Sequential) -> str:
        """Keeps a network; returns the token for `find`."""
        token = uuid.uuid4().hex
        with self._lock:
            self._models[session, token] = model
            own = [key for key in self._models if key[0] == session]
            for key in own[: -self.most_of_session]:
                del self._models[key]
            while len(self._models) > 1 and self._bytes() > self.most_bytes:
                self._models.popitem(last=False)
        return token

    def find(self, session: str, token: object) -> Sequential:
        """ValueError where there is no such copy (any more)."""
        with self._lock:
            model = self._models.get((session, token)) if isinstance(token, str) else None
            if model is None:
                raise ValueError(GONE)
            self._models.move_to_end((session, token))
            return model

    def _bytes(self) -> int:
        return sum(model.parameters.nbytes for model in self._models.values())
