"""Where a request comes from, as far as that can be believed."""

from __future__ import annotations

import ipaddress
from typing import Final

from flask import Request

IPV6_NETWORK: Final = 64
"""What one household or server has of IPv6: all of it counts as one address."""


def address_of(asked: Request, proxies: int) -> str:
    """The address of whoever sent a request, an IPv6 one as its network.

    Each of ``proxies`` in front of us has added to X-Forwarded-For who asked it; what stands before
    these was written by the client, and is not believed.
    """
    address = asked.remote_addr or ""
    if proxies:
        named = ",".join(asked.headers.getlist("X-Forwarded-For")).split(",")
        if len(named) >= proxies and (client := named[-proxies].strip()):
            address = client
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_NETWORK), strict=False))
