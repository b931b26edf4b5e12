"""Schemas and a registry of them: over real HTTP, by Confluent's API, and the sentences that a user gets."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from capstone_marketlag import schemas, topics
from capstone_marketlag.settings import Settings
from labkit.errors import LabError

SUBJECTS = [f"{topic}-value" for topic in topics.plan()]
NEWS = "rss.events-value"
Answer = tuple[int, Any]
NO_SUBJECT: Answer = (404, {"error_code": 40401, "message": "Subject not found."})
NO_LEVEL: Answer = (404, {"error_code": 40408, "message": "Subject does not have a level configured"})


class Held:
    """A registry in memory. instead: what it answers to that method and start of a path, whatever it holds."""

    def __init__(self) -> None:
        self.versions: dict[str, list[str]] = {}
        self.levels: dict[str, str] = {}
        self.compatible: dict[str, Any] = {"is_compatible": True}
        self.instead: dict[tuple[str, str], Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.users: set[str | None] = set()
        self.address = ""

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.asked.append((method, path))
        for (verb, start), said in self.instead.items():
            if verb == method and path.startswith(start):
                return said
        kind, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        if kind == "config":
            if method == "PUT":
                self.levels[rest] = body["compatibility"]
                return 200, body
            return (200, {"compatibilityLevel": self.levels[rest]}) if rest in self.levels else NO_LEVEL
        if kind == "compatibility":
            return 200, self.compatible
        subject = rest.split("/")[0]
        if method == "POST":
            assert body["schemaType"] == "JSON"
            self.versions.setdefault(subject, []).append(body["schema"])
            return 200, {"id": 1}
        if subject not in self.versions:
            return NO_SUBJECT
        found = self.versions[subject]
        return 200, {"subject": subject, "version": len(found), "schema": found[-1]}

    def hold(self, topic: str, **changed: Any) -> None:
        """That topic's schema is registered, with these changes at its top."""
        self.versions[f"{topic}-value"] = [json.dumps({**schemas.schema(topic), **changed})]

    def hold_all(self) -> None:
        for topic in topics.plan():
            self.hold(topic)

    @property
    def written(self) -> list[tuple[str, str]]:
        """What was changed by those who asked."""
        return [(verb, path) for verb, path in self.asked if verb == "PUT" or path.endswith("/versions")]


@pytest.fixture
def held() -> Iterator[Held]:
    it = Held()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            it.users.add(self.headers["Authorization"])
            status, said = it.answer(self.command, self.path, json.loads(self.rfile.read(length) or "null"))
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_GET

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        it.address = f"http://127.0.0.1:{server.server_port}"
        yield it
        server.shutdown()


def register(address: str) -> list[str]:
    return schemas.register(Settings(registry=address))


def refused(address: str) -> LabError:
    with pytest.raises(LabError) as error:
        register(address)
    return error.value


def test_an_empty_registry_gets_every_schema_and_holds_it_to_backward(held: Held) -> None:
    assert register(held.address + "/") == SUBJECTS
    assert {subject: json.loads(text) for subject, [text] in held.versions.items()} == {
        f"{topic}-value": schemas.schema(topic) for topic in topics.plan()
    }
    assert held.levels == dict.fromkeys(SUBJECTS, "BACKWARD")


def test_what_is_the_latest_already_is_not_registered_again(held: Held) -> None:
    held.hold_all()

    assert register(held.address) == []
    assert held.written == []


def test_a_schema_that_may_follow_is_registered_and_checked_under_backward(held: Held) -> None:
    held.hold_all()
    held.hold("rss.events", title="before")

    assert register(held.address) == [NEWS]
    assert [json.loads(text) for text in held.versions[NEWS][1:]] == [schemas.schema("rss.events")]
    checked = next(place for place, (_, path) in enumerate(held.asked) if path.startswith("/compatibility"))
    assert held.asked.index(("PUT", f"/config/{NEWS}")) < checked


@pytest.mark.parametrize(
    ("level", "now"),
    [("NONE", "BACKWARD"), ("FORWARD", "BACKWARD"), ("FULL", "FULL"), ("BACKWARD_TRANSITIVE",) * 2],
)
def test_a_stricter_level_stays(held: Held, level: str, now: str) -> None:
    held.hold_all()
    held.hold("rss.events", title="before")
    held.levels[NEWS] = level

    register(held.address)

    assert held.levels == {NEWS: now}


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        ({"is_compatible": False, "messages": ["a", "b", "c", "d"]}, "a; b; c"),
        ({"is_compatible": False}, '/additionalProperties is gone; /type is new'),
        ({}, '/additionalProperties is gone; /type is new'),
    ],
    ids=["Confluent", "Apicurio", "nothing"],
)  # fmt: skip
def test_a_schema_that_may_not_follow_is_refused_and_none_is_registered(
    held: Held, answer: dict[str, Any], reasons: str
) -> None:
    held.hold("ops.api_health", additionalProperties=False, description="said otherwise")
    before = json.loads(held.versions["ops.api_health-value"][0])
    del before["type"]
    held.versions["ops.api_health-value"] = [json.dumps({}), json.dumps(before)]
    held.compatible = answer

    error = refused(held.address)

    assert error.happened == f"The schema of ops.api_health cannot follow version 2: {reasons}."
    assert error.expected == "Readers rely on what is registered. Nothing was registered now."
    assert error.next_step == (
        "undo the change, or delete the subject ops.api_health-value if nobody reads the topic yet"
    )
    assert held.written == [("PUT", "/config/ops.api_health-value")]


def test_a_registry_that_refuses_after_all_says_why(held: Held) -> None:
    held.instead["POST", f"/subjects/{NEWS}"] = (
        409,
        {"error_code": 409, "message": "Schema being registered is incompatible"},
    )

    error = refused(held.address)

    assert error.happened == (
        f"The schema registry at {held.address} refused POST /subjects/{NEWS}/versions: "
        "Schema being registered is incompatible"
    )


UNAUTHORIZED = [
    (401, {"error_code": 401, "message": "Unauthorized"}),
    (401, b"<html><body>Unauthorized</body></html>"),
    (401, b""),
    (401, ["no"]),
]


@pytest.mark.parametrize("answer", UNAUTHORIZED, ids=["JSON", "HTML", "nothing", "a list"])
def test_who_may_not_ask_is_told_so_without_the_password(held: Held, answer: Answer) -> None:
    held.instead["GET", "/"] = answer
    host = held.address.removeprefix("http://")

    error = refused(f"http://me:S3CRET@{host}")

    first = f"/subjects/{SUBJECTS[0]}/versions/latest"
    assert error.happened == f"The schema registry at http://…@{host} refused GET {first}: Unauthorized"
    assert error.next_step == "check MARKETLAG_REGISTRY, and what this user may do"
    assert held.users == {f"Basic {base64.b64encode(b'me:S3CRET').decode()}"}
    assert "S3CRET" not in str(error)


def nobody() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_registry_that_is_down_is_one_sentence() -> None:
    host = nobody()

    error = refused(f"http://me:S3CRET@{host}")

    assert str(error) == (
        f"No schema registry answers at http://…@{host} (ConnectionError). MARKETLAG_REGISTRY names it. "
        "Next: ./lab up registry, or unset MARKETLAG_REGISTRY"
    )


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"", ["subjects"], None])
def test_what_answers_and_is_no_registry_is_one_sentence(held: Held, body: Any) -> None:
    held.instead["GET", "/"] = (200, body)

    error = refused(held.address)

    assert error.happened == f"No schema registry answers at {held.address} (it says something else)."


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>"), (404, {"error_code": 404, "message": "Not Found"}), (404, b"")]
)
def test_an_address_beside_the_registry_is_not_an_empty_registry(held: Held, status: int, body: Any) -> None:
    held.instead["GET", "/"] = (status, body)

    error = refused(held.address)

    assert error.happened == (
        f"The schema registry at {held.address} refused GET /subjects/{SUBJECTS[0]}/versions/latest: Not Found"
    )
    assert error.expected == "A Confluent API was expected there."


@pytest.mark.parametrize("start", ["/compatibility", "/config"])
def test_a_registry_that_breaks_in_between_registers_nothing(held: Held, start: str) -> None:
    held.hold("rss.events", title="before")
    for verb in ("GET", "POST"):
        held.instead[verb, start] = (500, {"error_code": 50001, "message": "Error in the backend"})

    assert refused(held.address).happened.endswith(": Error in the backend")
    assert [path for _, path in held.written if path.endswith("/versions")] == []
