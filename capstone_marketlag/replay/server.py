"""The recorded world over real HTTP, as it stood at the minute its clock shows.

GET /v1.1/marketlag.json   the feed (JSON Feed 1.1), with an ETag
PUT /clock                 the virtual time, as ISO 8601 with Z; the scheduler sets it before each run
"""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any

FEED_PATH = "/v1.1/marketlag.json"


class ReplayServer:
    """Serves a world on 127.0.0.1 until it is closed; a context manager.

    port 0: any free one. `url` is the feed's address, `clock_url` the clock's.
    """

    def __init__(self, world: dict[str, Any], port: int = 0) -> None:
        self._world = world
        self._now = world["start"]
        self._asked: dict[str, int] = {}
        handler = type("Handler", (_Handler,), {"replay": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url, self.clock_url = self.base + FEED_PATH, self.base + "/clock"

    def __enter__(self) -> ReplayServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def set_clock(self, text: str) -> None:
        self._now = text

    def fault(self) -> dict[str, Any] | None:
        """How to fail this request, if it is one of those that fail."""
        for fault in self._world["faults"]:
            if fault["at"] == self._now:
                self._asked[self._now] = self._asked.get(self._now, 0) + 1
                if self._asked[self._now] <= fault["times"]:
                    return dict(fault)
        return None

    def feed(self) -> bytes:
        """The feed now: what is shown, newest first, as feeds list it."""
        # wire times of equal form sort as text
        shown = [e for e in self._world["entries"] if e["from"] <= self._now < e["until"]]
        shown.sort(key=lambda entry: entry["from"], reverse=True)
        document = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "MarketLag recorded feed",
            "items": [entry["item"] for entry in shown],
        }
        return json.dumps(document).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # headers and body leave in one packet: in two, each answer would wait 40 ms for a delayed ACK
    wbufsize = -1
    disable_nagle_algorithm = True
    replay: ReplayServer

    def do_GET(self) -> None:
        if self.path != FEED_PATH:
            self._answer(404, b"not here\n")
            return
        fault = self.replay.fault()
        if fault:
            self._answer(fault["status"], b"the recorded world fails here\n", fault["headers"])
            return
        body = self.replay.feed()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self._answer(304, b"", {"ETag": etag})
        else:
            self._answer(200, body, {"ETag": etag, "Content-Type": "application/feed+json"})

    def do_PUT(self) -> None:
        self.replay.set_clock(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        self._answer(204, b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are counted by the producer; a line each would drown the demo's own."""
