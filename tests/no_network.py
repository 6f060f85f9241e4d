"""Keeps the suite offline: connections and look-ups go to this machine alone, in this process and those it starts.

In this process Python's own sockets refuse everything else at once, naming the address; what was tried is kept in
`ATTEMPTS`, and conftest.py fails the test in which it happened, even where the code under test took the error for an
ordinary lack of network. Processes that it starts inherit HF_HUB_OFFLINE and proxies at a port that nobody listens at.
Neither reaches code that opens sockets below Python and asks no proxy.
"""

import ipaddress
import os
import socket
from typing import Any

NOBODY = "http://127.0.0.1:9"  # the port of the discard service, closed nearly everywhere
HERE = "localhost,127.0.0.1,::1"
NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost", "::", "0.0.0.0"}  # the last two: to listen at
ATTEMPTS: list[str] = []


class NetworkBlockedError(OSError):
    """The suite is offline, and something tried to leave this machine."""


def is_here(host: Any) -> bool:
    """Whether this is the name or an address of this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name.lower() in NAMES or name == socket.gethostname():
        return True
    try:
        number = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    if number.is_loopback:
        return True
    with socket.socket(socket.AF_INET if number.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(number), 0))  # works for an address of this machine alone, and sends nothing
        except OSError:
            return False
    return True


def refuse(what: str) -> None:
    """Remember and raise."""
    ATTEMPTS.append(what)
    raise NetworkBlockedError(f"network: expected this machine alone, got {what}. The suite is offline: use loopback.")


def settle() -> None:
    """Forget what was tried.

    Raises:
        AssertionError: something was.
    """
    tried, ATTEMPTS[:] = list(ATTEMPTS), []
    assert not tried, f"the suite is offline, and this test tried to: {', '.join(tried)}"


def check(sock: socket.socket, address: Any, verb: str) -> None:
    """Raise unless an address is a path or on this machine."""
    if sock.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
        if sock.type == socket.SOCK_DGRAM and verb == "connect":  # asks for this machine's address and sends nothing
            raise NetworkBlockedError(f"network: expected this machine alone, got a datagram to {address}")
        refuse(f"{verb} {address}")


def block() -> None:
    """From here on, and in every process that is started from this one."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy"):
        os.environ[name] = os.environ[name.upper()] = NOBODY
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = HERE

    def guard_socket(name: str) -> None:
        plain = getattr(socket.socket, name)

        def guarded(self: socket.socket, *arguments: Any) -> Any:
            check(self, arguments[-1], name)
            return plain(self, *arguments)

        setattr(socket.socket, name, guarded)

    def guard_lookup(name: str) -> None:
        plain = getattr(socket, name)

        def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
            if not is_here(host):
                try:
                    ipaddress.ip_address(host)  # a number needs no look-up
                except ValueError:
                    refuse(f"{name} {host!r}")
            return plain(host, *arguments, **options)

        setattr(socket, name, guarded)

    for name in ("connect", "connect_ex", "sendto"):
        guard_socket(name)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        guard_lookup(name)
