"""A picture from an address that a stranger names: over https, from public addresses, within bounds.

A server that fetches what it is told to can be sent to where only it may go: to itself, to the machines
beside it, to the cloud's service that hands out keys (server-side request forgery). So nothing is fetched
unless the host wants it (`DIGITS_FETCH=1`), and then:

- only https, port 443, with a certificate for the name that was asked for;
- all addresses of the name must be public, and the connection is made to the very one that was looked at, so
  a name cannot mean something else a moment later;
- each of a few redirects is looked at anew, none of this server's headers or cookies are sent, and no proxy;
- all of it takes SECONDS at most, and MOST_BYTES.
"""

import asyncio
import ipaddress
import socket
import ssl
from functools import cache
from urllib.parse import SplitResult, urljoin, urlsplit

import h11

PORT = 443
SECONDS = 10.0  # for all of it, with redirects
MOST_BYTES = 20_000_000
MOST_REDIRECTS = 3
LONGEST = 2_000  # characters of an address
CHUNK = 65_536
AT_ONCE = 4
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADERS = [("User-Agent", "digits-from-scratch"), ("Accept", "image/*"), ("Connection", "close")]

_places = asyncio.Semaphore(AT_ONCE)


class FetchError(Exception):
    """Nothing was fetched. The message says why, and nothing of what is behind an address."""


async def fetch(address: str) -> bytes:
    """What is at a public https address. Raises FetchError."""
    if _places.locked():
        raise FetchError("Too many addresses are being fetched now. Please send the picture itself.")
    async with _places:
        try:
            async with asyncio.timeout(SECONDS):
                for _ in range(MOST_REDIRECTS + 1):
                    content, address = await _get(address)
                    if content is not None:
                        return content
        except TimeoutError:
            raise FetchError(f"The address did not answer within {SECONDS:g} seconds.") from None
        except (OSError, ssl.SSLError, h11.ProtocolError):
            raise FetchError("There is no answer from that address.") from None
    raise FetchError(f"The address leads on more than {MOST_REDIRECTS} times.")


async def _get(address: str) -> tuple[bytes | None, str]:
    """The content; or None, and the address that it leads on to."""
    parts = _parsed(address)
    reader, writer = await asyncio.open_connection(
        await _public_address(parts.hostname), PORT, ssl=_tls(), server_hostname=parts.hostname
    )
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=CHUNK)
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        request = h11.Request(method="GET", target=target, headers=[("Host", parts.hostname), *HEADERS])
        writer.write(connection.send(request) + connection.send(h11.EndOfMessage()))
        await writer.drain()
        response = await _event(connection, reader)
        while isinstance(response, h11.InformationalResponse):
            response = await _event(connection, reader)
        headers = dict(response.headers)
        if response.status_code in REDIRECTS and b"location" in headers:
            return None, urljoin(address, headers[b"location"].decode("latin-1"))
        if response.status_code != 200:
            raise FetchError(f"The address answers {response.status_code}, and not with a picture.")
        content = bytearray()
        while isinstance(event := await _event(connection, reader), h11.Data):
            content += event.data
            if len(content) > MOST_BYTES:
                raise FetchError(f"The picture is too large: at most {MOST_BYTES / 1e6:g} MB are fetched.")
        return bytes(content), address
    finally:
        writer.transport.abort()


async def _event(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Event:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(CHUNK))
    return event


def _parsed(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        plain = address.isascii() and address.isprintable() and " " not in address and len(address) <= LONGEST
        whole = parts.scheme == "https" and parts.hostname and parts.port in (None, 443)
        if plain and whole and parts.username is None and parts.password is None:
            return parts
    except ValueError:
        pass
    raise FetchError("Only an https address is fetched, without a password and on the usual port.")


async def _public_address(host: str) -> str:
    """The one that is connected to: the first of the name's, of which none may be private."""
    found = await asyncio.get_running_loop().getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    addresses = [info[4][0] for info in found]
    if not addresses or not all(map(is_public, addresses)):
        raise FetchError("That address is not one of the public internet, and is not fetched.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether anybody on the internet could connect there as well as this server."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if found.version == 6:
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if inner or found in NAT64:
            return False  # an IPv4 address inside, perhaps a private one
    return found.is_global and not found.is_multicast


NAT64 = ipaddress.ip_network("64:ff9b::/96")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
