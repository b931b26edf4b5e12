"""A PostgreSQL address as Flink's JDBC connector takes it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

USER = "marketlag"
#: on 127.0.0.1 every local program may connect as anybody; the connector insists on a password
PASSWORD = "marketlag"


def options(address: str) -> dict[str, str]:
    """url, username and password of postgresql://user:password@host:port/name?more.

    >>> options("postgresql://ann:p%40ss@db/lag")
    {'url': 'jdbc:postgresql://db:5432/lag', 'username': 'ann', 'password': 'p@ss'}
    """
    parts = urlsplit(address)
    query = f"?{parts.query}" if parts.query else ""
    return {
        "url": f"jdbc:postgresql://{parts.hostname}:{parts.port or 5432}{parts.path}{query}",
        "username": unquote(parts.username or USER),
        "password": unquote(parts.password or PASSWORD),
    }
