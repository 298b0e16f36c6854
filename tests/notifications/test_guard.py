"""Before a gateway: a pace, and a breaker that keeps a failing one from keeping others waiting."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from service.notifications.gateways import Letter
from service.notifications.guard import FAILURES, REST, Guarded
from service.outbox.handlers import NotNow, Refused

LETTER = Letter(to="13897001234", template="dispatched", text="您好")


@dataclass
class Gateway:
    name: str = "sms"
    fails: Exception | None = None
    sent: list[str] = field(default_factory=list)
    asked: int = 0

    def send(self, _: Letter, *, key: str) -> None:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        self.sent.append(key)


@dataclass
class Time:
    now: float = 0.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


def guarded(gateway: Gateway, time: Time, per_second: float = 1000) -> Guarded:
    return Guarded(gateway, per_second=per_second, now=lambda: time.now, wait=time.wait)


def fail(guard: Guarded, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ConnectionError):
            guard.send(LETTER, key="one")


def test_a_gateway_that_keeps_failing_is_left_alone_and_then_tried_once() -> None:
    gateway, time = Gateway(fails=ConnectionError()), Time()
    guard = guarded(gateway, time)
    fail(guard, FAILURES)
    for _ in range(100):
        with pytest.raises(NotNow):
            guard.send(LETTER, key="one")
    assert gateway.asked == FAILURES

    time.now += REST.total_seconds()
    fail(guard, 1)
    with pytest.raises(NotNow):
        guard.send(LETTER, key="one")

    time.now += REST.total_seconds()
    gateway.fails = None
    for key in ("one", "two"):
        guard.send(LETTER, key=key)
    assert gateway.sent == ["one", "two"]


def test_a_success_between_failures_begins_the_count_anew() -> None:
    gateway, time = Gateway(), Time()
    guard = guarded(gateway, time)
    for _ in range(3):
        gateway.fails = ConnectionError()
        fail(guard, FAILURES - 1)
        gateway.fails = None
        guard.send(LETTER, key="one")
    assert len(gateway.sent) == 3


def test_a_refusal_is_an_answer_and_opens_no_breaker() -> None:
    gateway, time = Gateway(fails=Refused("unknown number")), Time()
    guard = guarded(gateway, time)
    for _ in range(3 * FAILURES):
        with pytest.raises(Refused):
            guard.send(LETTER, key="one")
    assert gateway.asked == 3 * FAILURES


def test_messages_keep_the_pace_and_what_would_wait_long_comes_back() -> None:
    gateway, time = Gateway(), Time()
    guard = guarded(gateway, time, per_second=4)
    for place in range(5):
        guard.send(LETTER, key=str(place))
    assert time.now == 1.0

    slow = guarded(Gateway(), time, per_second=0.1)
    slow.send(LETTER, key="first")
    with pytest.raises(NotNow) as refusal:
        slow.send(LETTER, key="second")
    assert refusal.value.wait == timedelta(seconds=10)
