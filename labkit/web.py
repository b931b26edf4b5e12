"""HTTP with the environment's proxies, except for what is on this machine: no proxy could reach that."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests


def is_here(url: str) -> bool:
    """Whether the address is one of this machine's own.

    >>> is_here("http://127.0.0.1:8081/overview"), is_here("https://gamma-api.polymarket.com")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def session(url: str) -> requests.Session:
    """A session for that address and its neighbours."""
    found = requests.Session()
    found.trust_env = not is_here(url)
    return found
