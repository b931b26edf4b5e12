"""A schema registry by Confluent's API: may this schema follow the one that is there?

BACKWARD: whoever knows the new schema can read what is in the topic already. For an open schema that means:
a field may go, a type may widen; nothing may be narrowed. A field that is described for the first time counts
as narrowed, for until then it could have been anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import requests

from labkit import web
from labkit.errors import LabError

Schema = dict[str, Any]

_HEADERS = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
#: levels that hold a subject to BACKWARD at least
_STRICT = {"BACKWARD", "BACKWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}
#: what the protocol calls a subject, a version or a subject's level that is not there
_NOT_THERE = {40401, 40402, 40408}
#: words of a schema that no reader depends on
_PROSE = {"title", "description", "$comment"}


class Registry:
    """The registry at that address. Raises LabError: it refuses, or does not answer."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._session = web.session(address)

    def takes(self, topic: str, schema: Schema) -> bool:
        """Whether that schema of the topic's values is new and may be registered; False: it is the latest.

        Raises LabError: it is not compatible with the latest.
        """
        latest = self._ask("GET", f"/subjects/{_subject(topic)}/versions/latest")
        if latest is None:
            return True
        registered = json.loads(latest["schema"])
        if registered == schema:
            return False
        self._hold_to_backward(topic)
        check = f"/compatibility/subjects/{_subject(topic)}/versions/latest?verbose=true"
        answer = self._ask("POST", check, _body(schema)) or {}
        if not answer.get("is_compatible"):
            # Apicurio gives no reasons: then what differs
            reasons = answer.get("messages") or list(_differences(registered, schema))
            raise LabError(
                f"The schema of {topic} cannot follow version {latest['version']}: {'; '.join(reasons[:3])}.",
                "Readers rely on what is registered. Nothing was registered now.",
                f"undo the change, or delete the subject {_subject(topic)} if nobody reads the topic yet",
            )
        return True

    def register(self, topic: str, schema: Schema) -> str:
        """Make that schema the latest of the topic's values, held to BACKWARD from now on; the subject."""
        self._ask("POST", f"/subjects/{_subject(topic)}/versions", _body(schema))
        self._hold_to_backward(topic)
        return _subject(topic)

    def _hold_to_backward(self, topic: str) -> None:
        """By default Apicurio calls everything compatible."""
        path = f"/config/{_subject(topic)}"
        level = (self._ask("GET", f"{path}?defaultToGlobal=true") or {}).get("compatibilityLevel")
        if level not in _STRICT:
            self._ask("PUT", path, {"compatibility": "BACKWARD"})

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> dict[str, Any] | None:
        """The answer; None where the subject is not there."""
        shown = re.sub(r"://[^/@]*@", "://…@", self._address)  # a password is nobody's to read
        url = self._address + path
        try:
            response = self._session.request(method, url, json=body, headers=_HEADERS, timeout=10)
        except requests.RequestException as error:
            raise _nobody(shown, type(error).__name__) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        found: dict[str, Any] = answer if isinstance(answer, dict) else {}
        if response.status_code == 404 and found.get("error_code") in _NOT_THERE:
            return None
        if response.status_code >= 400:  # a proxy in front of it says so in HTML
            said = found.get("message", response.reason)
            raise LabError(
                f"The schema registry at {shown} refused {method} {path}: {said}",
                "A Confluent API was expected there.",
                "check MARKETLAG_REGISTRY, and what this user may do",
            )
        if not isinstance(answer, dict):
            raise _nobody(shown, "it says something else")
        return found


def _nobody(shown: str, why: str) -> LabError:
    return LabError(
        f"No schema registry answers at {shown} ({why}).",
        "MARKETLAG_REGISTRY names it.",
        "./lab up registry, or unset MARKETLAG_REGISTRY",
    )


def _subject(topic: str) -> str:
    return f"{topic}-value"


def _body(schema: Schema) -> dict[str, str]:
    return {"schemaType": "JSON", "schema": json.dumps(schema)}


def _differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """What is other in the new schema, by its place; what is only said otherwise is left aside."""
    if isinstance(old, dict) and isinstance(new, dict):
        prose = set() if at.endswith("/properties") else _PROSE
        for key in sorted({*old, *new} - prose):
            if key in old and key in new:
                yield from _differences(old[key], new[key], f"{at}/{key}")
            else:
                yield f"{at}/{key} is {'gone' if key in old else 'new'}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(before, after, f"{at}/{number}")
    elif old != new:
        yield f"{at} was {json.dumps(old)}, is {json.dumps(new)}"
