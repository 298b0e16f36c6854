"""Clients under load, each of whom writes down what it was told.

Every request carries a name of its own (X-Request-ID), which the service keeps with whatever the request did: so an
answer can be held against the rows it was about, whether it came or not.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

HOLDER = "632801"
_PATIENCE = httpx.Timeout(6.0, connect=2.0)
# Whoever got no answer asks again; after so many times a person would put the phone down.
_TRIES = 4
_CONTENT = {"kind": "help", "channel": "web", "category_code": "0103", "place_code": HOLDER}


@dataclass(frozen=True, slots=True)
class Told:
    """One request and its answer. `status` None: no answer came. A 503 leaves it just as open."""

    request: str
    step: str
    status: int | None
    number: str = ""
    key: str = ""
    replayed: bool = False
    at: float = 0.0

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        return self.status is not None and 400 <= self.status < 500

    @property
    def unclear(self) -> bool:
        return self.status is None or self.status == 503


@dataclass
class Journal:
    """What all clients together were told, in order."""

    entries: list[Told] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, told: Told) -> None:
        with self.lock:
            self.entries.append(told)

    def contradiction(self, words: str) -> None:
        """Something that no fault excuses, such as a traceback or two numbers for one key."""
        with self.lock:
            self.wrong.append(words)

    def counts(self) -> dict[str, int]:
        """How many were told what."""
        with self.lock:
            entries = list(self.entries)
        return {
            "acknowledged": sum(told.acknowledged for told in entries),
            "refused": sum(told.refused for told in entries),
            "unclear": sum(told.unclear for told in entries),
        }


@dataclass(eq=False)
class Client:
    """One person after another takes tickets through their life, at whichever API answers."""

    name: str
    addresses: tuple[str, ...]
    tokens: dict[str, str]
    journal: Journal
    dice: random.Random
    pause: float = 0.05
    goes: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._count = 0
        self._version = 0
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._http = httpx.Client(timeout=_PATIENCE)

    def start(self) -> None:
        """Work in a thread of one's own, whenever `goes` is set, until `over` is."""
        self._thread.start()

    def stop(self) -> None:
        """After the request in hand."""
        self.over.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self.over.is_set():
            if not self.goes.is_set():
                self.idle.set()
                self.goes.wait(0.1)
                continue
            self.idle.clear()
            try:
                self._life()
            except Exception as error:
                self.journal.contradiction(f"client {self.name}: {error!r}")
                raise
        self._http.close()

    # -- one ticket ----------------------------------------------------------------------------------------

    def _life(self) -> None:
        number = self._register()
        if number is None:
            return
        for step in self._plan():
            if self.over.is_set() or not self.goes.is_set():
                return
            if not self._take(number, step):
                return

    def _plan(self) -> list[str]:
        """Which steps, and how far: most tickets are left somewhere on their way, for the clock to hurry."""
        way = ["accept", "dispatch", "sign", "contact", "reply", "approve", "callback"]
        steps: list[str] = []
        for step in way[: self.dice.choice((0, 1, 2, 2, 3, 4, 5, 6, 7, 7))]:
            steps.append(step)
            if self.dice.random() < 0.3:
                steps.append(self.dice.choice(("note", "urge", "again", "stranger")))
        return steps

    def _register(self) -> str | None:
        key = f"{self.name}-{self._serial()}-{self.dice.randrange(10**9)}"
        body = {
            **_CONTENT,
            "title": f"咨询 {key}",
            "body": "节假日加班费按多少倍计算?",
            "phone": f"139{self.dice.randrange(10**8):08d}",
        }
        if self.dice.random() < 0.05:
            self._send("register", "agent1", "/api/v1/tickets", {**body, "category_code": "9999"}, key=f"{key}-wrong")
        told = self._until_answered(
            lambda: self._send("register", "agent1", "/api/v1/tickets", body, key=key, expect=201)
        )
        if told is None or not told.acknowledged:
            return None
        if self.dice.random() < 0.1:
            again = self._send("register", "agent1", "/api/v1/tickets", body, key=key, expect=201)
            if again.acknowledged and (again.number, again.replayed) != (told.number, True):
                self.journal.contradiction(f"key {key}: first {told.number}, then {again.number}")
        if self.dice.random() < 0.05:
            other = self._send("register", "agent1", "/api/v1/tickets", {**body, "title": "另一件事"}, key=key)
            if other.acknowledged:
                self.journal.contradiction(f"key {key}: taken again with other words as {other.number}")
        return told.number

    def _take(self, number: str, step: str) -> bool:
        """Whether the ticket may go on to its next step."""
        who, path, body = self._asks(step)
        # The version makes the repeat of a step that was taken after all a refusal, never a second step.
        body = {"version": self._version, **body}
        told = self._until_answered(lambda: self._send(path, who, f"/api/v1/tickets/{number}/{path}", body))
        if step in {"again", "stranger"}:
            return True  # meant to be refused
        if told is not None and told.status == 409:
            return self._look_again(number)
        return told is not None and told.acknowledged

    def _look_again(self, number: str) -> bool:
        """Read the version anew: a step was taken without an answer, or the clock took one meanwhile."""
        try:
            answer = self._http.get(
                f"{self.dice.choice(self.addresses)}/api/v1/tickets/{number}",
                headers={"Authorization": f"Bearer {self.tokens['agent1']}"},
            )
        except httpx.HTTPError:
            return False
        if answer.status_code == 404:
            self.journal.contradiction(f"{number}: known, and then not there")
        if answer.status_code == 200:
            self._version = answer.json()["row_version"]
        return answer.status_code == 200

    def _asks(self, step: str) -> tuple[str, str, dict[str, Any]]:
        now = datetime.now(UTC).isoformat()
        answers = {"contacted": True, "resolved": self.dice.random() < 0.8, "satisfaction": self.dice.randint(1, 5)}
        if not answers["resolved"] or answers["satisfaction"] < 3:
            answers["reason"] = "not_resolved"
        reply = {
            "text": "已督促用人单位足额发放", "basis": "《保障农民工工资支付条例》", "contacted_at": now,
            "contact_way": "phone", "outcome": "settlement", "recovered": "100.00", "helped": 1,
        }  # fmt: skip
        asks: dict[str, tuple[str, str, dict[str, Any]]] = {
            "accept": ("agent1", "accept", {}),
            "dispatch": ("dispatcher1", "dispatch", {"org_code": HOLDER}),
            "sign": (f"handler-{HOLDER}", "sign", {}),
            "contact": (f"handler-{HOLDER}", "contact", {"way": "phone", "note": "已电话联系职工"}),
            "reply": (f"handler-{HOLDER}", "reply", reply),
            "approve": (f"leader-{HOLDER}", "approve", {"note": "同意"}),
            "callback": ("agent2", "callback", {"result": "answered", "answers": answers}),
            "note": ("agent1", "note", {"note": "职工补充情况"}),
            "urge": ("agent1", "urge", {"note": "职工再次来电"}),
            "again": ("agent1", "accept", {"version": 999_999}),
            "stranger": ("handler-630102", "sign", {}),
        }
        return asks[step]

    # -- one request ---------------------------------------------------------------------------------------

    def _until_answered(self, send: Callable[[], Told]) -> Told | None:
        for _ in range(_TRIES):
            told = send()
            if not told.unclear:
                return told
            if self.over.is_set():
                return None
            time.sleep(0.2)
        return None

    def _send(self, step: str, who: str, path: str, body: dict[str, Any], *, key: str = "", expect: int = 200) -> Told:
        time.sleep(self.pause * self.dice.random() * 2)
        request = f"{self.name}:{self._serial():06d}"
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "X-Request-ID": request}
        if key:
            headers["Idempotency-Key"] = key
        number = path.split("/")[4] if path.count("/") > 3 else ""
        status, replayed = None, False
        try:
            answer = self._http.post(self.dice.choice(self.addresses) + path, json=body, headers=headers)
        except httpx.HTTPError:
            pass
        else:
            status, replayed = answer.status_code, "idempotency-replayed" in answer.headers
            self._judge(request, step, answer)
            if status < 300:
                number, self._version = answer.json()["number"], answer.json()["row_version"]
        told = Told(request, step, status, number=number, key=key, replayed=replayed, at=time.monotonic())
        self.journal.note(told)
        return told

    def _judge(self, request: str, step: str, answer: httpx.Response) -> None:
        """What an answer must never be, whatever has fallen."""
        if "Traceback" in answer.text:
            self.journal.contradiction(f"{request} {step}: a traceback")
        if answer.status_code >= 500 and answer.status_code != 503:
            self.journal.contradiction(f"{request} {step}: {answer.status_code} {answer.text[:300]}")
        if answer.status_code == 503 and not ("retry-after" in answer.headers and answer.json().get("detail_zh")):
            self.journal.contradiction(f"{request} {step}: 503 without Retry-After or words")

    def _serial(self) -> int:
        self._count += 1
        return self._count
