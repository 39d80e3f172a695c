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
    fetches: bool = False  # DIGITS_FETCH=1: agents may name public https addresses of pictures
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
        address = f"https://huggingface.co/spaces/{environment.get('SPACE_ID', '')}"
        sources = _web_address(environment, "DIGITS_SOURCES").rstrip("/")
        sources = sources or (f"{address}/blob/main" if space else "")
        repository = _web_address(environment, "DIGITS_REPOSITORY")
        repository = repository or (f"{address}/tree/main" if space else "")
        duplicate = f"{address}?duplicate=true" if space else ""
        fetches = environment.get("DIGITS_FETCH", "0") not in ("", "0")
        return cls(space, space or proxies, rate, fetches, sources or None, repository, duplicate)


def _web_address(environment: Mapping[str, str], name: str) -> str:
    """The address in a variable, "" where it is not set. ValueError where it is no web address."""
    address = environment.get(name, "").strip()
    if address and not address.startswith(("https://", "http://")):
        raise ValueError(f"{name} must be a web address, got {address[:100]!r}")
    return address
