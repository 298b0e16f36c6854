"""The contract of docs/sms.md, kept by our adapter against a provider that listens on a port of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from service.bootstrap import sms_gateway
from service.core.clock import SimulatedClock, SystemClock
from service.core.settings import Settings, SettingsMissing
from service.notifications.gateways import ConsoleGateway, GatewayFailed, Letter
from service.notifications.guard import Guarded
from service.notifications.http_sms import HttpSms
from service.notifications.standin_sms import Provider, provider_at
from service.outbox.handlers import NotNow, Refused
from service.tickets.messages import TEMPLATES
from service.tickets.worker_codes import CODE_TEMPLATE

SECRET = "a secret between two"
LETTER = Letter(to="13897001234", template="dispatched", text="您好,…", values={"number": "QH12351-20261120-000001"})
IDS = {name: f"SMS_{place}" for place, name in enumerate([*TEMPLATES, CODE_TEMPLATE])}


@pytest.fixture
def provider() -> Provider:
    return Provider("hotline", SECRET, templates=frozenset(IDS.values()))


@pytest.fixture
def address(provider: Provider) -> Iterator[str]:
    with provider_at(provider) as address:
        yield address


def adapter(address: str, **changes: object) -> HttpSms:
    values = {
        "account": "hotline",
        "secret": SECRET,
        "signed_as": "职工服务热线12351",
        "templates": IDS,
        "clock": SystemClock(),
        "timeout": 1.0,
    }
    return HttpSms(address, **values | changes)  # type: ignore[arg-type]


def test_a_message_goes_by_template_with_its_values_under_our_signature(provider: Provider, address: str) -> None:
    adapter(address).send(LETTER, key="worker_sms:1:dispatched")
    assert provider.taken["worker_sms:1:dispatched"] == {
        "account": "hotline",
        "to": "13897001234",
        "sign": "职工服务热线12351",
        "template": IDS["dispatched"],
        "values": {"number": "QH12351-20261120-000001"},
        "key": "worker_sms:1:dispatched",
    }


def test_a_second_copy_is_done_and_sends_nothing(provider: Provider, address: str) -> None:
    for _ in range(2):
        adapter(address).send(LETTER, key="one")
    assert (len(provider.taken), provider.asked) == (1, 2)


def test_a_wrong_secret_an_old_time_and_an_unknown_template_are_refused_for_good(address: str) -> None:
    long_ago = SimulatedClock(datetime.now(UTC) - timedelta(hours=1))
    for wrong in (
        {"secret": "another"},
        {"clock": long_ago},
        {"templates": {"dispatched": "SMS_unknown"}},
        {"templates": {}},
    ):
        with pytest.raises(Refused):
            adapter(address, **wrong).send(LETTER, key="one")


@pytest.mark.parametrize("status", [500, 502, 503, 302])
def test_what_may_pass_is_tried_again(provider: Provider, address: str, status: int) -> None:
    provider.answer = lambda: status
    with pytest.raises(GatewayFailed):
        adapter(address).send(LETTER, key="one")
    provider.answer = lambda: None
    adapter(address).send(LETTER, key="one")
    assert set(provider.taken) == {"one"}


def test_a_busy_gateway_says_so_and_no_attempt_is_lost(provider: Provider, address: str) -> None:
    provider.answer = lambda: 429
    with pytest.raises(NotNow) as refusal:
        adapter(address).send(LETTER, key="one")
    assert refusal.value.wait == timedelta(seconds=30)


def test_a_gateway_that_is_not_there_fails_without_telling_its_address() -> None:
    with pytest.raises(GatewayFailed) as failure:
        adapter("http://127.0.0.1:9/messages?key=hidden").send(LETTER, key="one")
    assert "hidden" not in str(failure.value)


def test_settings_name_the_gateway_and_a_missing_template_is_found_at_the_start(address: str) -> None:
    assert isinstance(sms_gateway(Settings(), SystemClock()), ConsoleGateway)
    named = {"sms_url": address, "sms_secret": SECRET, "sms_templates": IDS}
    assert isinstance(sms_gateway(Settings(**named), SystemClock()), Guarded)
    for wrong, said in (
        ({"sms_secret": None}, "HOTLINE_SMS_SECRET"),
        ({"sms_templates": {name: IDS[name] for name in TEMPLATES}}, "code"),
    ):
        with pytest.raises(SettingsMissing, match=said):
            sms_gateway(Settings(**named | wrong), SystemClock())
