"""A request that is not answered, and why."""

import math

from starlette.responses import JSONResponse, Response


class RequestRejected(Exception):  # noqa: N818 - nothing is wrong with the program
    """The answer to a request that is not let in.

    status: of HTTP; sentence: for the sender; reason: for /metrics, one of a few; retry_after: seconds until
    it may be sent again, if ever.
    """

    def __init__(self, status: int, sentence: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    def response(self) -> Response:
        # What is left of a body that was not read would be taken for the next request.
        headers = {"Connection": "close"} if self.status in (408, 411, 413) else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(self.retry_after))
        return JSONResponse({"error": str(self)}, self.status, headers)
