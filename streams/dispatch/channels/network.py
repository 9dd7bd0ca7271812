"""Where a URL from outside may lead: public addresses only, judged when the socket is made.

A resolver alone would be passed by literal addresses, and a look before the call by a name
that changes its mind; the socket's own address is the last word.
"""

import socket
from collections.abc import Callable, Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

AddrInfo = tuple[int, int, int, str, tuple[Any, ...]]

PORTS = frozenset({443, 8443})
# `is_global` lets addresses through that hold another one inside: NAT64, 6to4 and their like.
_UNICAST = IPv6Network("2000::/3")
_SIX_TO_FOUR = IPv6Network("2002::/16")


class ForbiddenAddressError(Exception):
    """A name led to an address that no customer's URL may lead to."""


def is_public(host: str) -> bool:
    """Return whether an address literal is one that anybody on the internet may reach."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        mapped: IPv4Address | None = address.ipv4_mapped
        if mapped is None and (address not in _UNICAST or address in _SIX_TO_FOUR):
            return False
        address = mapped or address
    return address.is_global and not address.is_multicast


def guarded(trusted: Collection[str] = ()) -> Callable[[AddrInfo], socket.socket]:
    """Return what makes sockets to public addresses on `PORTS`, and to `trusted` host:port."""

    def make(info: AddrInfo) -> socket.socket:
        family, kind, protocol, _, where = info
        host, port = where[:2]
        if f"{host}:{port}" not in trusted and not (port in PORTS and is_public(host)):
            raise ForbiddenAddressError
        return socket.socket(family, kind, protocol)

    return make
