"""The socket on which callers come in, and how a process that answered them ends."""

from __future__ import annotations

import ipaddress
import socket

from service.errors import PortInUse

CUT_SHORT = 1
"""Exit status when answers in flight were not waited for."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound but not listening yet, so that a taken port is known before any long work. Raises PortInUse."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortInUse(host, port, error.strerror or str(error)) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(0)  # a second bind to the same port fails only once somebody listens
    except OSError as error:
        bound.close()
        raise PortInUse(host, port, error.strerror or str(error)) from error
    return bound


def url_of(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def near_url(bound: socket.socket) -> str:
    """The address at which this machine itself reaches it, or "" where that is not sure to be this machine."""
    host, port = bound.getsockname()[:2]
    address = ipaddress.ip_address(host.partition("%")[0])
    if not address.is_unspecified:
        return url_of(bound) if address.is_loopback else ""
    return f"http://[::1]:{port}/" if ":" in host else f"http://127.0.0.1:{port}/"
