"""What the tests' own servers stand on."""

import socket
from pathlib import Path

from tests.browser.driver import PORTS, free_port

HANDED_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_port_for_a_server_is_never_one_that_a_connection_is_given():
    first, last = map(int, HANDED_OUT.read_text().split())
    assert not any(first <= free_port() <= last for _ in range(10))


def test_no_two_servers_of_a_process_are_given_the_same_port():
    ports = [free_port() for _ in range(100)]
    assert len(set(ports)) == 100


def test_each_worker_of_the_suite_has_ports_of_its_own(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    first = [free_port() for _ in range(PORTS)]
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    assert not {free_port() for _ in range(PORTS)} & set(first)


def test_a_port_that_somebody_listens_on_is_left_out():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", free_port()))
        listening.listen()
        assert listening.getsockname()[1] not in [free_port() for _ in range(PORTS)]
