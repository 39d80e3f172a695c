"""HTTP servers in threads of the tests' own."""

import threading
from socketserver import BaseServer

POLL = 0.01  # seconds until it sees that it shall end; half a second, unless one says so


def serve(server: BaseServer) -> None:
    """Has it serve until its `shutdown` is called."""
    threading.Thread(target=server.serve_forever, args=[POLL], daemon=True).start()
