"""Who sends a request or holds a connection, as far as one can tell: an address, the same for a household."""

import ipaddress
from collections.abc import Mapping
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(scope: Mapping[str, Any], behind_proxy: bool) -> str:
    """The sender of an HTTP request: an IPv4 address, or the /64 network of an IPv6 one; "None" if unknown.

    Behind a proxy it is the last public address of X-Forwarded-For: the sender may have made up what stands
    before it, and what stands after it are proxies.
    """
    hops = [scope["client"][0]] if scope.get("client") else []
    if behind_proxy:
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        hops = [*forwarded.decode("latin-1").split(","), *hops]
    known = [address for hop in hops if (address := _parse(hop)) is not None]
    return _household(next((one for one in reversed(known) if one.is_global), known[-1] if known else None))


def peer_address(host: str | None) -> str:
    """The same of the other end of a connection."""
    return _household(_parse(host or ""))


def _household(address: Address | None) -> str:
    if address is not None and address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _parse(hop: str) -> Address | None:
    try:
        address = ipaddress.ip_address(hop.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
