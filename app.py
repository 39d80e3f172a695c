"""Digits from Scratch: `python app.py` serves the page; a Hugging Face Space runs the same file.

Address and port come from Gradio's own GRADIO_SERVER_NAME and GRADIO_SERVER_PORT; SECURITY.md lists
what other variables limit.
"""

import os
import sys

from threadpoolctl import threadpool_limits

from jobs.limits import Limits
from jobs.manager import SessionManager
from recognition import Reader
from recognition.reader import SHIPPED
from training.memory import share_freed_memory
from ui.stubs import no_stubs

# Where `mcp` is installed, as on a Space, Gradio imports it, used or not: 24 MB and 0.4 s of a processor.
# The tools for agents are ours (`ui/server/mcp.py`), so for this process there is no such package.
sys.modules.setdefault("mcp", None)

try:
    with no_stubs():
        from ui.page import HOST, LAUNCH, build_page
    from ui.server.connections import bound_connections
    from ui.server.logs import start_log
except ModuleNotFoundError as missing:
    sys.exit(f'The page needs {missing.name}: pip install "digits-from-scratch[app]"')

# Visitors are read at the same time, each on one core: BLAS threads would only get in their way.
threadpool_limits(1, user_api="blas")
share_freed_memory()

start_log()
bound_connections(HOST.behind_proxy)
manager = SessionManager(Limits.from_environment())
# What is uploaded goes where all visitors' files are: it is gone when the app is, even if that was killed.
os.environ.setdefault("GRADIO_TEMP_DIR", str(manager.folder / "uploads"))

readers = {name: Reader(weights) for name, weights in SHIPPED.items()}
demo = build_page(readers, manager)


def main() -> None:
    """Serve the page until a signal ends it."""
    manager.close_on_signals()
    demo.launch(**LAUNCH)


if __name__ == "__main__":
    main()
