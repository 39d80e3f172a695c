"""Where the app stands: a Space or not, behind a proxy or not, and what its host allows."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """What environment variables say of the place where the app runs."""

    space: bool  # SPACE_ID: a Hugging Face Space
    behind_proxy: bool  # DIGITS_PROXIES=1, and a Space: a proxy that writes X-Forwarded-For stands in front
    rate: float  # DIGITS_RATE: all rate limits times this
    # DIGITS_SOURCES: the address of this repository's files, such as https://example.org/digits/blob/main; a
    # Space shows its own
    sources: str | None = None
    repository: str = ""  # DIGITS_REPOSITORY, or the Space's files: the address of the code; "" for none
    duplicate: str = ""  # the address that makes a Space of one's own out of this one; "" where it is none

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Host":
        """Raises ValueError, naming the variable, where one makes no sense."""
        space = bool(environment.get("SPACE_ID"))
        proxies = environment.get("DIGITS_PROXIES", "0") not in ("", "0")
        text = environment.get("DIGITS_RATE", "").strip() or "1"
        try:
            rate = float(text)
        except ValueError:
            rate = math.nan
        if not 0 < rate < math.inf:
            raise ValueError(f"DIGITS_RATE must be a number above 0, got {text[:100]!r}")
        sources = environment.get("DIGITS_SOURCES", "").strip().rstrip("/")
        if sources and not sources.startswith(("https://", "http://")):
            raise ValueError(f"DIGITS_SOURCES must be a web address, got {sources[:100]!r}")
        if space and not sources:
            sources = f"https://huggingface.co/spaces/{environment['SPACE_ID']}/blob/main"
        name = environment.get("SPACE_ID", "")
        address = f"https://huggingface.co/spaces/{name}"
        repository = environment.get("DIGITS_REPOSITORY", "").strip() or (
            f"{address}/tree/main" if space else ""
        )
        if repository and not repository.startswith(("https://", "http://")):
            raise ValueError(f"DIGITS_REPOSITORY must be a web address, got {repository[:100]!r}")
        duplicate = f"{address}?duplicate=true" if space else ""
        return cls(space, space or proxies, rate, sources or None, repository, duplicate)
