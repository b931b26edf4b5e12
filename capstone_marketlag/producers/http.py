"""One request with what a service deserves: a timeout, an ETag, three more tries."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from labkit import web

MOST_BYTES = 32_000_000
RETRY_AFTER_SECONDS = (1.0, 2.0, 4.0)
_TEMPORARY = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Answer:
    """What an address answered in the end. status 0: nothing; body empty unless status is 200."""

    status: int
    body: bytes = b""
    content_type: str = ""
    milliseconds: int = 0
    error: str = ""


class Getter:
    """Asks addresses and remembers the ETags of what it got, as a warm Lambda would."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep, timeout: float = 10) -> None:
        #: for addresses of this machine, and for all others: the second asks the proxies of the environment
        self._sessions = {here: requests.Session() for here in (True, False)}
        self._sessions[True].trust_env = False
        self._etags: dict[str, str] = {}
        self._sleep, self._timeout = sleep, timeout

    def get(self, url: str) -> Answer:
        """200 with a body, 304 (unchanged since the last 200), or the failure after the last try."""
        return self._ask(url, None)

    def post(self, url: str, document: Any) -> Answer:
        """200 with a body, or the failure after the last try. Only for questions: it may be asked twice."""
        return self._ask(url, document)

    def _ask(self, url: str, document: Any) -> Answer:
        for wait in (*RETRY_AFTER_SECONDS, None):
            answer, asked_to_wait = self._try(url, document)
            if answer.status not in _TEMPORARY | {0} or wait is None:
                return answer
            self._sleep(max(wait, asked_to_wait))
        raise AssertionError("the last round returns")

    def forget(self, url: str) -> None:
        """Ask for the whole body next time: the last one could not be used."""
        self._etags.pop(url, None)

    def _try(self, url: str, document: Any) -> tuple[Answer, float]:
        method = "GET" if document is None else "POST"
        headers = {"User-Agent": "marketlag/0.1"}
        if method == "GET" and url in self._etags:
            headers["If-None-Match"] = self._etags[url]
        started = time.monotonic()
        try:
            with self._sessions[web.is_here(url)].request(
                method, url, headers=headers, json=document, timeout=self._timeout, stream=True
            ) as response:
                body = self._body(response, started + self._timeout)
        except (requests.RequestException, HTTPError, _TooMuch) as error:
            said = str(error) if isinstance(error, _TooMuch) else type(error).__name__
            return Answer(0, milliseconds=_since(started), error=said), 0.0
        if method == "GET" and response.status_code == 200 and "ETag" in response.headers:
            self._etags[url] = response.headers["ETag"]
        ok = response.status_code in (200, 304)
        answer = Answer(
            response.status_code,
            body if response.status_code == 200 else b"",
            response.headers.get("Content-Type", ""),
            _since(started),
            "" if ok else f"HTTP {response.status_code}",
        )
        return answer, min(_seconds(response.headers.get("Retry-After", "")), 10.0)

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        """The whole body, or _TooMuch: requests' own timeout is for each read, and a drip would never end."""
        body = bytearray()
        # read1: what has come; read would wait for all of 64 KB, and so would iter_content
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if len(body) > MOST_BYTES:
                raise _TooMuch(f"more than {MOST_BYTES} bytes")
            if time.monotonic() > deadline:
                raise _TooMuch(f"not complete within {self._timeout} s")
        return bytes(body)


class _TooMuch(Exception):
    """A body that is too large, or comes too slowly."""


def _seconds(after: str) -> float:
    """How long a Retry-After asks to wait: seconds, or until a date; 0 for what is neither."""
    if re.fullmatch(r"[0-9]{1,9}", after):
        return float(after)
    try:
        return (parsedate_to_datetime(after) - datetime.now(timezone.utc)).total_seconds()
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a zone
        return 0.0


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
