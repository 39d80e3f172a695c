"""Pictures by address: from the public internet over https, and from nowhere else."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import event_loop
from tests.serving import serve
from ui.server import fetch
from ui.server.fetch import FetchError, is_public

HOST = "pictures.test"
PICTURE = b"\x89PNG" + bytes(range(256)) * 40


class Pictures(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        answer = getattr(self, f"_{self.path.strip('/').partition('?')[0].partition('/')[0]}", None)
        if answer is None:
            self.send_error(404)
        else:
            answer()

    def _picture(self):
        self._send(200, PICTURE, {"Content-Length": len(PICTURE)})

    def _chunked(self):
        self._send(200, b"4\r\n\x89PNG\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"})

    def _large(self):
        self._send(200, b"", {"Content-Length": 10**12})
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(100_000))

    def _headers(self):
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    def _garbage(self):
        self.wfile.write(b"220 mail.example.org ESMTP\r\n")
        self.close_connection = True

    def _silent(self):
        self.server.wait.wait(60)

    def _short(self):
        self._send(200, b"half", {"Content-Length": 1000})
        self.close_connection = True

    def _to(self):
        self._send(302, b"", {"Location": self.path.removeprefix("/to/"), "Content-Length": 0})

    def _round(self):
        self._send(302, b"", {"Location": "/round", "Content-Length": 0})

    def _nowhere(self):
        self._send(302, b"", {"Content-Length": 0})

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate of HOST that nobody else has signed, and one with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = folder / "certificate.pem", folder / "key.pem"
    subprocess.run([*command, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


@pytest.fixture(scope="module")
def server(certificate):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # a client that hangs up is what is tested
    server.wait = threading.Event()
    server.asked = []
    serve(server)
    yield server
    server.wait.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def internet(server, certificate, monkeypatch):
    """The server as pictures.test, which is public; every other name is as the test says."""
    trusted = ssl.create_default_context(cafile=certificate[0])
    names = {HOST: ["127.0.0.1"]}
    connected = []
    real_connection = asyncio.open_connection

    async def getaddrinfo(self, host, port, **_):
        if host not in names:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[host]]

    async def open_connection(address, port, **options):
        connected.append((address, port))
        return await real_connection("127.0.0.1", server.server_port, **options)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    monkeypatch.setattr(fetch, "_tls", lambda: trusted)
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    server.asked.clear()
    names["connected"] = connected
    return names


def _fetch(address):
    return event_loop.call(fetch.fetch, address)


def test_a_picture_is_fetched_with_nothing_of_this_server_in_the_request(internet, server):
    assert _fetch(f"https://{HOST}/picture?size=1") == PICTURE
    assert _fetch(f"https://{HOST}:443/chunked") == b"\x89PNG"
    path, headers = server.asked[0]
    assert path == "/picture?size=1"
    assert set(headers) == {"Host", "User-Agent", "Accept", "Connection"}
    assert internet["connected"] == [("127.0.0.1", 443)] * 2


@pytest.mark.parametrize(
    "address",
    [
        f"http://{HOST}/picture",
        f"ftp://{HOST}/picture",
        "file:///etc/passwd",
        f"https://{HOST}:8443/picture",
        f"https://{HOST}:22/",
        f"https://user:password@{HOST}/picture",
        f"https://{HOST}@169.254.169.254/",
        "https://",
        "https:///picture",
        f"https://{HOST}/\r\nX-Header: 1",
        f"https://{HOST}/ HTTP/1.1",
        f"https://{HOST}\\@127.0.0.1/",
        "https://[::1",
        f"https://{HOST}:99999/",
        "https://" + "x" * 3000,
        "https://xn--\u0131.test/",
        "//pictures.test/picture",
        "",
    ],
)
def test_what_is_no_plain_https_address_is_not_fetched(internet, address):
    with pytest.raises(FetchError):
        _fetch(address)
    assert internet["connected"] == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "no address",
    ],
)
def test_only_addresses_of_the_public_internet_are_connected_to(address):
    assert not is_public(address)


def test_public_addresses_are_public():
    assert all(map(is_public, ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:829::200e")))


def test_a_name_of_which_one_address_is_private_is_not_connected_to(internet):
    for addresses in (["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["8.8.8.8", "::1"], []):
        internet["tricky.test"] = addresses
        with pytest.raises(FetchError, match="not one of the public internet"):
            _fetch("https://tricky.test/picture")
    for written in ("2130706433", "0x7f.1", "127.1", "[::ffff:7f00:1]", "localhost"):
        internet[written.strip("[]")] = ["127.0.0.2"]  # as the system's resolver understands it
        with pytest.raises(FetchError):
            _fetch(f"https://{written}/picture")
    assert internet["connected"] == []


def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(internet, monkeypatch):
    """A name that means something else when it is asked for again (DNS rebinding) gets nowhere."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def getaddrinfo(self, host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in next(answers)]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    assert _fetch(f"https://{HOST}/picture") == PICTURE
    assert internet["connected"] == [("127.0.0.1", 443)]
    assert next(answers) == ["10.0.0.1"], "it was never asked for again"


def test_a_certificate_of_another_name_is_refused(internet):
    internet["other.test"] = ["127.0.0.1"]
    with pytest.raises(FetchError, match="There is no answer"):
        _fetch("https://other.test/picture")


def test_redirects_are_followed_and_looked_at_anew(internet, server):
    internet["tricky.test"] = ["192.168.0.7"]
    assert _fetch(f"https://{HOST}/to//picture") == PICTURE
    assert _fetch(f"https://{HOST}/to/https://{HOST}/picture") == PICTURE
    before = len(internet["connected"])
    for target in ("http://pictures.test/picture", "https://tricky.test/", "file:///etc/passwd"):
        with pytest.raises(FetchError):
            _fetch(f"https://{HOST}/to/{target}")
    assert len(internet["connected"]) == before + 3, "none but the first of each"
    with pytest.raises(FetchError, match="leads on more than 3 times"):
        _fetch(f"https://{HOST}/round")
    assert len(internet["connected"]) == before + 3 + 4
    with pytest.raises(FetchError, match="answers 302"):
        _fetch(f"https://{HOST}/nowhere")


@pytest.mark.parametrize("path", ["missing", "large", "headers", "garbage", "short"])
def test_whatever_else_is_there_is_refused_in_a_sentence(internet, monkeypatch, path):
    monkeypatch.setattr(fetch, "MOST_BYTES", 1_000_000)
    with pytest.raises(FetchError) as refused:
        _fetch(f"https://{HOST}/{path}")
    assert str(refused.value).endswith(".")
    assert HOST not in str(refused.value)


def test_a_server_that_says_nothing_is_given_up_soon(internet, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 0.5)
    with pytest.raises(FetchError, match=r"did not answer within 0\.5 seconds"):
        _fetch(f"https://{HOST}/silent")


def test_a_name_that_nobody_knows_is_told(internet):
    with pytest.raises(FetchError, match="There is no answer"):
        _fetch("https://unknown.test/")


def test_only_a_few_are_fetched_at_once(internet, server, monkeypatch):
    monkeypatch.setattr(fetch, "_places", asyncio.Semaphore(2))
    monkeypatch.setattr(fetch, "SECONDS", 1.0)

    async def three():
        asked = [fetch.fetch(f"https://{HOST}/silent") for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    said = sorted(map(str, event_loop.call(three)))
    assert said[2].startswith("Too many addresses")
    assert said[0] == said[1] == "The address did not answer within 1 seconds."
