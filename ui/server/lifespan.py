"""What goes on beside the requests while the app runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ui.server import logs
from ui.server.connections import end_silent_connections, limit_backlog
from ui.server.uploads import clean_up

CLEAN_UP_SECONDS = 60.0  # from one look at the uploaded files to the next

logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """While the app runs: ends connections that say nothing, deletes files that were left behind, and keeps
    the readers of drawings."""
    logs.take_over_log_of_server()
    limit_backlog()
    pool = app.get_blocks().drawing_pool
    tasks = [
        asyncio.create_task(end_silent_connections()),
        asyncio.create_task(_clean_up_regularly(app)),
        asyncio.create_task(pool.start()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        pool.close()


async def _clean_up_regularly(app: Any) -> None:
    while True:
        await asyncio.sleep(CLEAN_UP_SECONDS)
        try:
            await clean_up(app.get_blocks())
        except Exception:
            logger.exception("The uploaded files could not be cleaned up")
