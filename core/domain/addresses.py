"""What an address on the network is: one that anybody may be sent to, one of a private network, or a cloud's own.

A cloud answers its metadata address with the machine's credentials; no endpoint is ever there.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, Oracle, DigitalOcean and most others
        "169.254.170.2",  # AWS ECS
        "169.254.170.23",  # AWS EKS
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's wire server, in a range that is public otherwise
        "192.0.0.192",  # Oracle, older machines
    )
)
METADATA_NAMES: Final = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
PLAIN_IPV4: Final = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}")


class Reach(StrEnum):
    """Who answers at an address; the later, the more there is to fear."""

    PUBLIC = "public"
    UNKNOWN = "unknown"
    PRIVATE = "private"
    METADATA = "metadata"


def reach_of(text: str) -> Reach:
    """What the address is, with an IPv4 address inside an IPv6 one judged as itself."""
    try:
        address = bare(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return Reach.UNKNOWN
    if address in METADATA:
        return Reach.METADATA
    is_special = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return Reach.PRIVATE if is_special or not address.is_global else Reach.PUBLIC


def bare(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def reach_of_all(texts: Iterable[str]) -> Reach:
    """The worst of a name's addresses; UNKNOWN where it has none."""
    order = list(Reach)
    return max((reach_of(text) for text in texts), key=order.index, default=Reach.UNKNOWN)


def is_metadata_name(host: str) -> bool:
    """Whether the name is a cloud's for its metadata, wherever it leads from here."""
    return host.rstrip(".").lower() in METADATA_NAMES


def is_odd_ipv4(host: str) -> bool:
    """Whether this is an IPv4 address in a form that hides it: one number, octal, hexadecimal, too few parts."""
    try:
        socket.inet_aton(host.rstrip("."))
    except (OSError, ValueError):
        return False
    return not PLAIN_IPV4.fullmatch(host)
