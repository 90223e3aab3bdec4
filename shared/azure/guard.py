"""Which URLs and addresses an outbound request may reach: the public internet, and nothing of Azure's or ours.

A URL comes from a person who may not know, or not want, what lies behind it (OWASP, "Server-Side Request Forgery
Prevention"). `url` says what can be said before its name is resolved; `permits` is asked for every address after.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from yarl import URL

Address = IPv4Address | IPv6Address
Refusal = Literal["bad_url", "refused_address"]

_REFUSED_V4 = (
    IPv4Network("168.63.129.16/32"),  # Azure's platform channel: a public number that never leaves the host
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
)
_GLOBAL_V6 = IPv6Network("2000::/3")  # all that IANA has ever allocated as global unicast
_REFUSED_V6 = (
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them
    IPv6Network("3fff::/20"),  # documentation (RFC 9637), newer than Python 3.11's list
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII | re.IGNORECASE)
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Guard:
    """`allow_loopback` is for local runs: it opens 127.0.0.0/8 and ::1, and http:// to them alone."""

    allow_loopback: bool = False

    def url(self, text: str) -> URL | Refusal:
        """The URL to ask for: https to a name or a global address, on any port but 0, without user and password."""
        url = _read(text)
        if url is None:
            return "bad_url"
        host = url.raw_host or ""
        address = parse(host)
        if address is None and not _is_name(host):
            return "bad_url"
        if _is_local(host, address):
            return url if self.allow_loopback else "refused_address"
        if url.scheme == "http" or (address and not is_global(address)):
            return "refused_address"
        return url

    def permits(self, host: str, address: Address) -> bool:
        """Whether a connection meant for `host` may go to `address`."""
        if address.is_loopback:
            return self.allow_loopback
        return is_global(address) and not _is_local(host, None)


def parse(text: str) -> Address | None:
    """The address that `text` writes in its usual form, unwrapped; None if it is not one or has a zone."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else _unwrap(address)
    return address


def is_global(address: Address) -> bool:
    """Whether it is a public unicast address, and so is the IPv4 address inside (6to4) if there is one."""
    if isinstance(address, IPv4Address):
        refused = any(address in network for network in _REFUSED_V4)
        return address.is_global and not address.is_multicast and not refused
    if address not in _GLOBAL_V6 or any(address in network for network in _REFUSED_V6):
        return False
    return address.is_global and (address.sixtofour is None or is_global(address.sixtofour))


def _unwrap(address: IPv6Address) -> Address:
    """The IPv4 address that a mapped (RFC 4291 section 2.5.5.2) or NAT64 address means."""
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address


def _read(text: str) -> URL | None:
    """The URL, its percent-encoding as it was written (a vendor may have signed it); None if it is not plain."""
    if _NOT_IN_A_URL.search(text):
        return None
    try:
        url = URL(text, encoded=text.isascii())
        port, credentials = url.port or 0, url.raw_user or url.raw_password
    except (ValueError, IndexError):  # yarl 1.25 lets an IndexError out for some brackets
        return None
    plain = url.scheme in ("http", "https") and 0 < port < 65536 and not credentials
    return url if plain else None


def _is_name(host: str) -> bool:
    """Whether it is a DNS name. One whose last label is a number is an odd way to write an IPv4 address
    (octal, hex, one number; WHATWG URL, "ends in a number"), which resolvers would understand.
    """
    labels = host.removesuffix(".").split(".")
    well_formed = len(host) <= 254 and all(_LABEL.fullmatch(label) for label in labels)
    return well_formed and not _NUMBER.fullmatch(labels[-1])


def _is_local(host: str, address: Address | None) -> bool:
    """Whether it names this machine by itself (RFC 6761 section 6.3), whatever a name service says."""
    name = host.removesuffix(".").lower()
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)
