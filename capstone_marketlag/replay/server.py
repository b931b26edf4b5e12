"""The recorded world over real HTTP, as it stood at the minute its clock shows, in the providers' own shapes.

GET  /v1.1/<market>.json    the market's news feed, with an ETag: JSON Feed 1.1, or RSS 2.0
GET  /markets/slug/<slug>   Gamma: what the market is
POST /prices                the CLOB: [{token_id, side}] -> {token: {side: price}}
PUT  /clock                 the virtual time, as ISO 8601 with Z; the scheduler sets it before each run
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any

from capstone_marketlag.replay.rss import rss
from capstone_marketlag.replay.timeline import Timeline
from capstone_marketlag.wire import from_wire

TITLE = "MarketLag recorded feed"


@dataclass(frozen=True)
class Reply:
    """One answer over HTTP; drop: the connection is closed without any; hang: not even that."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False


_NOT_HERE = Reply(404, b"not here\n")


class ReplayServer:
    """Serves a world on 127.0.0.1 until it is closed; a context manager. port 0: any free one.

    feed_url holds {market}; gamma_url and clob_url are what the producers' settings of these names want.
    """

    def __init__(self, world: dict[str, Any], port: int = 0) -> None:
        self.closed = False
        self._now: str = world["start"]
        self._markets = {market["slug"]: market for market in world["markets"]}
        self._feeds = {
            slug: Timeline([entry for entry in world["entries"] if entry["market"] == slug])
            for slug in self._markets
        }
        self._prices = world["prices"]
        self._tokens = {
            token: (slug, outcome)
            for slug, market in self._markets.items()
            for outcome, token in market["tokens"].items()
        }
        self._faults = {(fault["at"], fault["what"], fault["market"]): fault for fault in world["faults"]}
        self._asked: Counter[tuple[str, str, str | None]] = Counter()
        self._lock = Lock()
        handler = type("Handler", (_Handler,), {"replay": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.feed_url, self.clock_url = f"{self.base}/v1.1/{{market}}.json", f"{self.base}/clock"
        self.gamma_url = self.clob_url = self.base

    def __enter__(self) -> ReplayServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self.closed = True  # a connection that was kept alive would be answered for ever
        self._thread.join()

    def set_clock(self, text: str) -> None:
        self._now = text

    def feed(self, slug: str, etag: str | None = None) -> Reply:
        """The feed as it stands now; 304 where that is what the asker has."""
        if slug not in self._markets:
            return _NOT_HERE
        now = self._now
        if fault := self._fault(now, "feed", slug):
            return fault
        items = self._feeds[slug].at(now)
        # of what is shown, whatever form it is given
        tag = f'"{hashlib.sha256(json.dumps(items).encode()).hexdigest()[:16]}"'
        if etag == tag:
            return Reply(304, headers={"ETag": tag})
        if self._markets[slug]["feed"] == "rss":
            return Reply(200, rss(TITLE, items), {"ETag": tag, "Content-Type": "application/rss+xml"})
        document = {"version": "https://jsonfeed.org/version/1.1", "title": TITLE, "items": items}
        headers = {"ETag": tag, "Content-Type": "application/feed+json"}
        return Reply(200, json.dumps(document).encode(), headers)

    def gamma(self, slug: str) -> Reply:
        """The market as Gamma describes it now: lists as texts that hold JSON."""
        if slug not in self._markets:
            return _NOT_HERE
        now = self._now
        if fault := self._fault(now, "gamma", slug):
            return fault
        market = self._markets[slug]
        closed = market["closed_time"] is not None and market["closed_time"] <= now
        outcomes, tokens = list(market["tokens"]), list(market["tokens"].values())
        document = {
            "slug": slug,
            "question": market["question"],
            "outcomes": json.dumps(outcomes),
            # its own idea of them, a little behind: nobody of ours reads it
            "outcomePrices": json.dumps(["0.5"] * len(outcomes)),
            "clobTokenIds": json.dumps(tokens),
            "endDate": market["end_date"],
            "active": True,
            "closed": closed,
        }
        if closed:
            document["closedTime"] = f"{from_wire(market['closed_time']):%Y-%m-%d %H:%M:%S}+00"
        return _json(document)

    def prices(self, asked: list[dict[str, str]]) -> Reply:
        """Both sides, or those that were asked for, of each token that trades in this hour."""
        now = self._now
        if fault := self._fault(now, "clob", None):
            return fault
        hour = f"{now[:13]}:00:00Z"
        found: dict[str, Any] = {}
        for question in asked:
            token, side = question.get("token_id", ""), question.get("side", "")
            slug, outcome = self._tokens.get(token, ("", ""))
            sides = self._prices.get(slug, {}).get(hour, {}).get(outcome, {})
            if sides is None:
                found[token] = None
            elif side in sides:
                found.setdefault(token, {})[side] = sides[side]
        return _json(found)

    def _fault(self, now: str, what: str, market: str | None) -> Reply | None:
        """How to fail this request, if it is one of those that fail."""
        fault = self._faults.get((now, what, market))
        if fault is None:
            return None
        with self._lock:
            self._asked[now, what, market] += 1
            if self._asked[now, what, market] > fault["times"]:
                return None
        body = fault["body"]
        text = body if body is not None else "the recorded world fails here\n"
        # only worlds of tests hang: each of these requests takes as long as its asker has patience
        hang = fault.get("hang", False)
        return Reply(fault["status"], text.encode(), fault["headers"], fault["drop"], hang)


def _json(document: Any) -> Reply:
    return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # five, the default, is fewer than may ask at once: the others would wait a second to be heard
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # headers and body leave in one packet: in two, each answer would wait 40 ms for a delayed ACK
    wbufsize = -1
    disable_nagle_algorithm = True
    replay: ReplayServer

    def do_GET(self) -> None:
        folder, _, name = self.path.rpartition("/")
        if folder == "/v1.1" and name.endswith(".json"):
            self._answer(self.replay.feed(name.removesuffix(".json"), self.headers.get("If-None-Match")))
        elif folder == "/markets/slug":
            self._answer(self.replay.gamma(name))
        else:
            self._answer(_NOT_HERE)

    def do_POST(self) -> None:
        body = self._body()
        if self.path != "/prices":
            self._answer(_NOT_HERE)
            return
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if isinstance(asked, list) and all(isinstance(each, dict) for each in asked):
            self._answer(self.replay.prices(asked))
        else:
            self._answer(Reply(400, b"not a list of questions\n"))

    def do_PUT(self) -> None:
        body = self._body()
        if self.path != "/clock":
            self._answer(_NOT_HERE)
            return
        self.replay.set_clock(body.decode())
        self._answer(Reply(204))

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, reply: Reply) -> None:
        if reply.hang:
            self.connection.recv(1)  # comes back when whoever asked has given up
        if reply.drop or self.replay.closed:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are counted by the producer; a line each would drown the demo's own."""
