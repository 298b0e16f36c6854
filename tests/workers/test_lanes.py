"""Lanes: a gateway that hangs holds up its own messages and nothing else, also when the process is to stop."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from service.bootstrap import Application
from service.notifications.channels import AddChannel, ChannelKind, add_channel
from service.notifications.standin_sms import Provider, provider_at
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import NetworkHandler
from service.outbox.lanes import GATEWAY_LANES, Lane, LaneUnknown, lane_of, lanes_named, queue_names
from service.tickets.messages import TEMPLATES
from service.tickets.worker_codes import CODE_TEMPLATE
from tests.desk import GOLMUD, Desk
from tests.embedded.processes import within
from tests.notifications.outside import mail_outside, robot_outside
from tests.workers.conftest import Crew, Outbox
from workers.publisher import GATEWAY_DEPTH, Publisher

RELAY = "workers.relay"
WORKER = "workers.worker"
COUNTING_WORKER = "tests.workers.counting_worker"
SECRET = "between two"


class Hanging(Provider):
    """Takes a message and does not answer until it may."""

    def __init__(self) -> None:
        super().__init__("hotline", SECRET)
        self.may_answer = threading.Event()
        self.answer = self._hang

    def _hang(self) -> None:
        self.may_answer.wait(60)


@pytest.fixture
def provider() -> Iterator[Hanging]:
    provider = Hanging()
    yield provider
    provider.may_answer.set()


def sms_settings(address: str) -> dict[str, object]:
    templates = {name: name for name in [*TEMPLATES, CODE_TEMPLATE]}
    return {"sms_url": address, "sms_secret": SECRET, "sms_templates": json.dumps(templates)}


def test_every_message_that_leaves_the_house_has_a_lane_and_no_other_has(application: Application) -> None:
    calls = {kind for kind, handler in application.handlers.items() if isinstance(handler, NetworkHandler)}
    assert calls == GATEWAY_LANES.keys()
    assert lane_of("notice") is Lane.inside


def test_while_a_gateway_hangs_notices_go_on(crew: Crew, desk: Desk, provider: Hanging) -> None:
    with provider_at(provider) as address:
        crew.start(RELAY, relay_lease_seconds=60)
        worker = crew.start(WORKER, relay_lease_seconds=60, sms_timeout=50, **sms_settings(address))
        desk.in_progress()
        assert within(20, lambda: provider.asked == 1), crew.log(worker)

        desk.in_progress()
        assert within(20, lambda: waiting(desk, "notice") == 0), "told while the gateway has yet to answer"
        assert provider.taken == {}
        assert waiting(desk, "worker_sms") > 1

        provider.may_answer.set()
        assert within(20, lambda: waiting(desk, "worker_sms") == 0)
        sent = desk.rows("select count(*) as n from gateway_delivery")[0].n
        assert (len(provider.taken), provider.asked) == (sent, sent), "each once"


def test_while_one_gateway_hangs_the_others_go_on(crew: Crew, desk: Desk, provider: Hanging) -> None:
    with provider_at(provider) as address, mail_outside() as mail, robot_outside(ChannelKind.wecom) as robot:
        there = {**mail.settings(), **robot.settings(), "smtp_timeout": 10, "robot_timeout": 10}
        with desk.application.unit() as unit:
            for outside in (mail, robot):
                add_channel(unit, AddChannel(kind=outside.kind, address=outside.address, org_code=GOLMUD))
        crew.start(RELAY, relay_lease_seconds=60)
        worker = crew.start(WORKER, relay_lease_seconds=60, sms_timeout=50, **sms_settings(address), **there)
        desk.in_progress()

        assert within(20, lambda: len(mail.texts()) == len(robot.texts()) > 0), crew.log(worker)
        assert (provider.asked, provider.taken) == (1, {}), "the first text still hangs"


def waiting(desk: Desk, kind: str) -> int:
    rows = desk.rows("select count(*) as n from outbox_message where kind = :kind and done_at is null", kind=kind)
    return int(rows[0].n)


def test_a_worker_asked_to_stop_finishes_the_job_in_hand_in_every_lane(
    crew: Crew, outbox: Outbox, desk: Desk, tmp_path: Path
) -> None:
    crew.start(RELAY)
    worker = crew.start(COUNTING_WORKER)
    keys = [*outbox.ask(kind="worker_sms", seconds=1), *outbox.ask(seconds=1)]
    assert within(20, (tmp_path / "calls").exists)
    assert within(20, lambda: desk.owners_rows("select 1 from pg_stat_activity where wait_event = 'PgSleep'"))
    worker.terminate()
    assert worker.wait(10) == 0
    assert outbox.effects() == sorted(keys)
    assert outbox.pending() == 0


def test_a_worker_that_is_to_stop_waits_for_a_hung_gateway_only_as_long_as_a_job_may_take(
    crew: Crew, outbox: Outbox, tmp_path: Path
) -> None:
    crew.start(RELAY)
    worker = crew.start(COUNTING_WORKER)
    outbox.ask(kind="worker_sms", seconds=60)
    assert within(20, (tmp_path / "calls").exists)
    worker.terminate()
    assert worker.wait(15) == 0
    assert "lane_given_up" in crew.log(worker)
    assert outbox.pending() == 1, "it comes again with its lease"


def test_a_worker_of_one_lane_leaves_the_others_alone(crew: Crew, outbox: Outbox, tmp_path: Path) -> None:
    crew.start(RELAY)
    worker = crew.start(COUNTING_WORKER, "--lanes", "sms")
    outbox.ask()
    texts = outbox.ask(3, kind="worker_sms")
    assert within(20, lambda: outbox.effects() == sorted(texts))
    assert outbox.pending() == 1
    worker.terminate()
    assert worker.wait(5) == 0


def test_before_a_gateway_the_urgent_go_first_and_few_wait_in_redis(
    application: Application, redis: Redis, desk: Desk
) -> None:
    now = datetime.now(UTC)
    with application.unit(now=now) as unit:
        emit(unit, *(Message("worker_sms", f"bulk:{number}", queue=Queue.bulk) for number in range(100)))
        emit(unit, Message("worker_sms", "urgent", queue=Queue.urgent), Message("notice", "inside"))
    publisher = Publisher(application)
    assert publisher.publish(), "more is due than is to wait there"

    assert queue_names(Lane.sms) == ("sms-urgent", "sms-default", "sms-bulk"), "the order in which they are emptied"
    lengths = {name: redis.llen(f"rq:queue:{name}") for name in (*queue_names(Lane.sms), "default")}
    assert lengths == {"sms-urgent": 1, "sms-default": 0, "sms-bulk": GATEWAY_DEPTH, "default": 1}


def test_lanes_are_named_by_commas_and_a_wrong_name_is_said() -> None:
    assert lanes_named("sms, inside") == (Lane.inside, Lane.sms)
    assert lanes_named("") == tuple(Lane)
    with pytest.raises(LaneUnknown, match="fax"):
        lanes_named("inside,fax")
