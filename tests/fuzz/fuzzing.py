"""Schemathesis over the whole document: what it makes, sent by everybody in turn, and every answer judged.

Half of what is sent keeps to the document and half does not. Numbers, unions and ids of what is there take the place
of made-up ones, so that requests get past "not found". The same seed sends the same.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from typing import Any

import httpx
import requests
import schemathesis
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp

from tests.fuzz.ground import OFFICES, SIBLING, Asker, Ground, some

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)
# Its answer never ends; tests/api/test_events.py reads it.
WITHOUT_END = {"/api/v1/events"}
_ORGS = (*OFFICES.values(), SIBLING)
_USERNAMES = (*(f"handler-{code}" for code in _ORGS), "agent1", "lawyer1", "supervisor1", "handler-at-county")
_LEAVES = ("0101", "0102", "0103")


@dataclass
class Found:
    """A fault, told once for each operation and kind, with how often it was met and the first request that did."""

    operation: str
    kind: str
    asker: str
    request: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.operation}: {self.kind} ({self.times}×, first as {self.asker})\n    {self.request}"


@dataclass
class Report:
    """What was sent, and what was found."""

    seed: int
    by_operation: Counter[str] = field(default_factory=Counter)
    by_asker: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    found: dict[tuple[str, str], Found] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)

    def note(self, case: Case, asker: Asker, kind: str, request: str) -> None:
        operation = f"{case.method} {case.path}"
        known = self.found.setdefault((operation, kind), Found(operation, kind, asker.name, request, times=0))
        known.times += 1

    def __str__(self) -> str:
        total = self.by_operation.total()
        lines = [f"{total} cases over {len(self.by_operation)} operations, seed {self.seed}"]
        lines += [f"  {status}: {count}" for status, count in sorted(self.by_status.items())]
        lines += ["by role:"] + [f"  {name}: {count}" for name, count in sorted(self.by_asker.items())]
        lines += ["by operation (of them answered with 2xx):"]
        lines += [f"  {name}: {count} ({self.succeeded[name]})" for name, count in sorted(self.by_operation.items())]
        lines += [f"found: {len(self.found) or 'nothing'}", *map(str, self.found.values())]
        return "\n".join(lines)


class Fuzzing:
    """One pass over an application."""

    def __init__(self, ground: Ground, app: ASGIApp, portal: BlockingPortal, *, cases: int, seed: int) -> None:
        self._ground, self._app, self._portal = ground, app, portal
        self._cases = cases
        self._chance = random.Random(seed)
        self._turns: dict[tuple[str, bool], Iterator[Asker]] = {}
        self.report = Report(seed)

    def run(self) -> Report:
        """Send all cases, some for each operation."""
        document = self._app.openapi()  # type: ignore[attr-defined]
        schema = schemathesis.openapi.from_dict(document)
        operations = [result.ok() for result in schema.get_all_operations() if result.ok().path not in WITHOUT_END]
        each = -(-self._cases // len(operations))
        for operation in operations:
            wrong = self._operation(operation, GenerationMode.NEGATIVE, each // 2)
            self._operation(operation, GenerationMode.POSITIVE, each - wrong)
        return self.report

    def _operation(self, operation: Any, mode: GenerationMode, count: int) -> int:
        """Send so many; how many there were. An address that takes nothing can't be asked wrongly."""
        sent = 0

        @seed(self._chance.getrandbits(64))
        @settings(
            max_examples=count,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
            deadline=None,
            verbosity=Verbosity.quiet,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Case) -> None:
            nonlocal sent
            if sent < count:
                sent += 1
                self._case(case, self._next(operation, mode), mode)

        with suppress(Unsatisfiable):
            # Of an address that takes little there is only so much to make: that is sent by the next in turn again.
            while sent < count:
                send()
        return sent

    def _next(self, operation: Any, mode: GenerationMode) -> Asker:
        """Everybody in turn, in another order for each operation; where something may come of it, those twice as often
        who may."""
        among_those_who_may = mode is GenerationMode.POSITIVE and self._chance.random() < 0.67
        turn = self._turns.get((operation.label, among_those_who_may))
        if turn is None:
            askers = self._ground.may(operation) if among_those_who_may else self._ground.askers
            order = self._chance.sample(askers, k=len(askers))
            turn = self._turns[operation.label, among_those_who_may] = cycle(order)
        asker = next(turn)
        return self._ground.for_once(asker) if operation.path.endswith("/auth/logout") else asker

    def _case(self, case: Case, asker: Asker, mode: GenerationMode) -> None:
        if mode is GenerationMode.POSITIVE or self._chance.random() < 0.5:
            self._feed(case, asker)
        request = requests.Request(**_for_requests(case, asker)).prepare()
        response = self._portal.call(self._send, request)
        self._ground.desk.wait(seconds=7)
        name = f"{case.method} {case.path}"
        self.report.by_operation[name] += 1
        self.report.by_asker[asker.name] += 1
        self.report.by_status[response.status_code] += 1
        self.report.succeeded[name] += response.is_success
        shown = f"{request.method} {request.url} {_short(request.body)} → {response.status_code} {response.text[:300]}"
        try:
            case.validate_response(response, checks=list(CHECKS))
        except BaseExceptionGroup as group:
            for failure in group.exceptions:
                told = " ".join(str(failure).split())[:160]
                self.report.note(
                    case, asker, f"{type(failure).__name__} {response.status_code}", f"{told}\n    {shown}"
                )
        for code in self._ground.leaks_to(asker, response.content):
            self.report.note(case, asker, f"a canary of {code} told to who must not read it", shown)

    def _feed(self, case: Case, asker: Asker) -> None:
        """Put what is there into a request in the place of what was made up."""
        chance = self._chance
        numbers = self._ground.numbers_for(asker, reading=case.method == "GET")
        if isinstance(case.path_parameters, dict):
            for name in case.path_parameters:
                if name in {"number", "matter"} and chance.random() < 0.9:
                    case.path_parameters[name] = chance.choice(numbers)
                elif name == "org" and chance.random() < 0.8:
                    case.path_parameters[name] = chance.choice(_ORGS)
                elif name.endswith("_id") and chance.random() < 0.8:
                    case.path_parameters[name] = chance.randint(1, 12)
        if isinstance(case.query, dict):
            if "org" in case.query and chance.random() < 0.8:
                case.query["org"] = chance.choice(_ORGS)
            if "q" in case.query and chance.random() < 0.5:
                case.query["q"] = "金丝雀"
        example = self._example(case)
        if example is not None and chance.random() < 0.4:
            case.body = example
        if isinstance(case.body, dict):
            case.body = {name: self._value(name, value, numbers) for name, value in case.body.items()}
            if "version" in case.body and chance.random() < 0.8:
                case.body["version"] = None

    def _example(self, case: Case) -> Any:
        content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
        examples = content.get("application/json", {}).get("examples", {})
        # A copy: what is fed into it must not stay in the document.
        return json.loads(json.dumps(self._chance.choice(list(examples.values()))["value"])) if examples else None

    def _value(self, name: str, value: Any, numbers: list[str]) -> Any:  # noqa: PLR0911 - a table of names
        chance = self._chance
        if chance.random() < 0.15:
            return value
        if name in {"number", "master", "other"}:
            return chance.choice(numbers)
        if name == "numbers":
            return some(numbers, chance)
        if name in {"org_code", "place_code", "org"} and value is not None:
            return chance.choice(_ORGS)
        if name == "category_code":
            return chance.choice(_LEAVES)
        if name == "username" and value is not None:
            return chance.choice(_USERNAMES)
        return value

    async def _send(self, request: requests.PreparedRequest) -> httpx.Response:
        # A new address each time: what strangers may try is counted by it.
        address = ".".join(str(self._chance.randint(1, 254)) for _ in range(4))
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(address, 40_000))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        headers = [(name, value) for name, value in request.headers.items()]
        sent = httpx.Request(str(request.method), str(request.url), headers=headers, content=body)
        response = await transport.handle_async_request(sent)
        content = await response.aread()
        made = httpx.Response(response.status_code, headers=response.headers, content=content, request=sent)
        made.elapsed = timedelta(0)
        return made


def _for_requests(case: Case, asker: Asker) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {asker.token}"} if asker.token else {}
    return {
        name: value
        for name, value in case.as_transport_kwargs(base_url="http://hotline", headers=headers).items()
        if name in {"method", "url", "headers", "params", "data", "json", "files", "cookies"}
    }


def _short(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    return text[:500]
