"""Each way out keeps one contract, against a stand-in that listens on a port of its own; and what goes out, to whom."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from service.bootstrap import build
from service.core.clock import SimulatedClock, SystemClock
from service.core.errors import Bilingual
from service.core.unit import SYSTEM, ActorKind, Unit
from service.identity.errors import PersonNotFound
from service.identity.permissions import Permission
from service.notifications.audience import Target
from service.notifications.channels import (
    ADDRESS,
    KIND_NAMES,
    AddChannel,
    ChannelAddressUnreadable,
    ChannelExists,
    ChannelKind,
    ChannelNotFound,
    ChannelOwnerUnclear,
    ChannelsNotYours,
    RobotNeedsUnion,
    add_channel,
    channels,
    pause_channel,
    remove_channel,
    resume_channel,
    try_channel,
)
from service.notifications.telling import tell
from service.org.tree import UnionUnknown
from service.outbox.delivery import Courier, Outcome
from service.tickets.recusing import RecusePerson, recuse
from tests.conftest import settings_for
from tests.desk import GOLMUD, Desk
from tests.notifications.outside import ROBOT_ADDRESSES, Outside, outside

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
WORDS = Bilingual("督办:请尽快办理。", "Supervision: please act.")


@pytest.fixture(params=list(ChannelKind), ids=str)
def there(request: pytest.FixtureRequest) -> Iterator[Outside]:
    with outside(request.param) as there:
        yield there


def person(unit: Unit, username: str) -> Target:
    found = unit.session.scalar(text("select id from person where username = :name"), {"name": username})
    return Target(person_id=found, username=username, audience="handler")


def told(desk: Desk, *usernames: str, key: str = "occasion", urgent: bool = False, number: str = "") -> None:
    """Tell these people something, up to their inboxes."""
    with desk.application.unit() as unit:
        tell(unit, [person(unit, name) for name in usernames], WORDS, key=key, ticket_number=number, urgent=urgent)
    for row in desk.rows("select id from outbox_message where kind = 'notice' and done_at is null order by id"):
        assert desk.application.courier.deliver(row.id) is Outcome.done


def added(desk: Desk, kind: ChannelKind, address: str, **owner: object) -> int:
    owner = owner or {"org_code": GOLMUD}
    with desk.application.unit() as unit:
        return add_channel(unit, AddChannel(kind=kind, address=address, **owner))  # type: ignore[arg-type]


def waiting(desk: Desk, kind: ChannelKind) -> list[int]:
    rows = desk.rows("select id from outbox_message where kind = :kind order by id", kind=kind.message)
    return [row.id for row in rows]


class TestEachWayOut:
    """The contract of every adapter."""

    @pytest.fixture
    def message(self, there: Outside, desk: Desk) -> int:
        """What waits for a channel of a union of which two were told of a ticket with a caller."""
        number = desk.in_progress(GOLMUD)
        told(desk)
        added(desk, there.kind, there.address)
        told(desk, HANDLER, LEADER, number=number, urgent=True)
        (message,) = waiting(desk, there.kind)
        return message

    @pytest.fixture
    def courier(self, there: Outside, desk: Desk, clock: SimulatedClock, message: int) -> Iterator[Courier]:
        own = desk.application.settings
        application = build(settings_for(own.database_url, own.redis_url, **there.settings()), clock=SystemClock())
        yield application.courier
        application.database.dispose()

    def test_what_two_of_a_union_are_told_arrives_once(
        self, there: Outside, desk: Desk, courier: Courier, message: int
    ) -> None:
        assert courier.deliver(message) is Outcome.done
        assert courier.deliver(message) is Outcome.nothing_to_do
        told(desk, "leader-632800", HANDLER)
        assert waiting(desk, there.kind) == [message], "the same occasion is asked for once"

        (words,) = there.texts()
        (ticket,) = desk.rows("select number from ticket")
        assert f"/console/tickets/{ticket.number}" in words
        (delivery,) = desk.rows("select gateway, ticket_number, template from gateway_delivery")
        assert delivery == (there.kind.value, ticket.number, "notice")

    def test_nothing_of_the_caller_goes_out_and_no_address_stands_anywhere_open(
        self, there: Outside, desk: Desk, courier: Courier, message: int
    ) -> None:
        courier.deliver(message)
        (words,) = there.texts()
        assert not any(secret in words for secret in ("马小明", "13897001234", "1234", "三个月", "某建筑公司", "拖欠"))
        (written,) = desk.rows(
            "select (select string_agg(payload::text || key || coalesce(last_error, ''), ' ') from outbox_message)"
            " || (select string_agg(coalesce(after::text, '') || subject, ' ') from audit_event) as everything"
        )
        kept = {there.address, there.address[-12:]}
        assert not any(secret in written.everything for secret in kept)

    def test_silence_costs_an_attempt_and_it_comes_again(
        self, there: Outside, desk: Desk, courier: Courier, message: int
    ) -> None:
        for mood in ("hangs", "broken"):
            there.mood = mood
            assert courier.deliver(message) is Outcome.failed
        (row,) = desk.rows("select attempts, last_error from outbox_message where id = :id", id=message)
        assert row == (2, "GatewayFailed")
        there.mood = "well"
        assert courier.deliver(message) is Outcome.done

    def test_a_refusal_is_buried_at_once(self, there: Outside, desk: Desk, courier: Courier, message: int) -> None:
        there.mood = "refuses"
        assert courier.deliver(message) is Outcome.buried
        (row,) = desk.rows("select last_error from outbox_message where id = :id", id=message)
        assert row.last_error == "Refused"
        assert there.texts() == []

    def test_not_now_costs_no_attempt(self, there: Outside, desk: Desk, courier: Courier, message: int) -> None:
        there.mood = "not_now"
        assert [courier.deliver(message) for _ in range(3)] == [Outcome.put_off] * 3
        (row,) = desk.rows(
            "select attempts, available_at > now() as later from outbox_message where id = :id", id=message
        )
        assert row == (0, True)

    def test_a_test_goes_out_also_where_the_channel_rests(
        self, there: Outside, desk: Desk, courier: Courier, message: int
    ) -> None:
        (channel,) = desk.rows("select id from channel")
        with desk.application.unit() as unit:
            pause_channel(unit, channel.id)
            try_channel(unit, channel.id)
        assert [courier.deliver(each) for each in waiting(desk, there.kind)] == [Outcome.done] * 2
        (words,) = there.texts()
        assert "测试" in words or "系统" in words, "what the paused channel was to carry is dropped"


class TestWhoHearsWhat:
    def test_a_person_has_their_own_way_and_a_union_one_for_all_of_it(self, desk: Desk) -> None:
        own = added(desk, ChannelKind.mail, "a@example.cn", username=HANDLER)
        group = added(desk, ChannelKind.wecom, ROBOT_ADDRESSES[ChannelKind.wecom])
        told(desk, LEADER)
        told(desk, HANDLER, key="another")
        told(desk, "supervisor1", key="a third")
        rows = desk.rows("select key, payload ->> 'channel_id' as channel from outbox_message where kind <> 'notice'")
        assert {(row.key, int(row.channel)) for row in rows} == {
            (f"wecom_notice:occasion:{group}", group),
            (f"wecom_notice:another:{group}", group),
            (f"mail_notice:another:{own}", own),
        }

    def test_a_way_for_urgent_ones_carries_these_alone_and_first_in_its_lane(self, desk: Desk) -> None:
        with desk.application.unit() as unit:
            address = ROBOT_ADDRESSES[ChannelKind.feishu]
            command = AddChannel(kind=ChannelKind.feishu, address=address, org_code=GOLMUD, urgent_only=True)
            add_channel(unit, command)
        told(desk, HANDLER)
        told(desk, HANDLER, key="fire", urgent=True)
        assert [row.queue for row in desk.rows("select queue from outbox_message where kind = 'feishu_notice'")] == [
            "feishu-urgent"
        ]

    def test_a_group_in_which_somebody_keeps_out_of_the_ticket_is_not_told_of_it(self, desk: Desk) -> None:
        added(desk, ChannelKind.wecom, ROBOT_ADDRESSES[ChannelKind.wecom])
        number = desk.in_progress(GOLMUD)
        desk.do(LEADER, recuse, RecusePerson(number=number, reason="近亲属"))
        told(desk, HANDLER, number=number)
        assert waiting(desk, ChannelKind.wecom) == []
        told(desk, HANDLER, key="another matter")
        assert len(waiting(desk, ChannelKind.wecom)) == 1

    def test_what_waits_for_a_channel_that_was_removed_is_dropped(self, desk: Desk) -> None:
        channel = added(desk, ChannelKind.mail, "a@example.cn", username=HANDLER)
        told(desk, HANDLER)
        with desk.application.unit() as unit:
            remove_channel(unit, channel)
        (message,) = waiting(desk, ChannelKind.mail)
        assert desk.application.courier.deliver(message) is Outcome.done
        assert desk.rows("select 1 from gateway_delivery") == []

    def test_a_paused_channel_carries_nothing_until_it_is_resumed(self, desk: Desk) -> None:
        channel = added(desk, ChannelKind.mail, "a@example.cn", username=HANDLER)
        with desk.application.unit() as unit:
            pause_channel(unit, channel)
        told(desk, HANDLER)
        with desk.application.unit() as unit:
            resume_channel(unit, channel)
        told(desk, HANDLER, key="another")
        assert [row.key for row in desk.rows("select key from outbox_message where kind = 'mail_notice'")] == [
            f"mail_notice:another:{channel}"
        ]


class TestKeepingThem:
    def test_an_administrator_sees_enough_to_tell_them_apart_and_no_address(self, desk: Desk) -> None:
        added(desk, ChannelKind.mail, "li.ming@example.cn", username=HANDLER)
        added(desk, ChannelKind.dingtalk, ROBOT_ADDRESSES[ChannelKind.dingtalk])
        with desk.application.reading() as unit:
            seen = [(view.kind, view.owner, view.hint) for view in channels(unit)]
        assert seen == [("mail", HANDLER, "l***@example.cn"), ("dingtalk", GOLMUD, "***82ec")]
        (row,) = desk.rows("select address_sealed from channel where kind = 'dingtalk'")
        vault = desk.application.vault
        assert vault.open(row.address_sealed, ADDRESS, GOLMUD) == "SEC0123456789abcdef@566cc69da782ec"

    @pytest.mark.parametrize(
        ("kind", "address"),
        [
            (ChannelKind.mail, "li.ming at example"),
            (ChannelKind.mail, "a@example.cn\nBcc: b@example.cn"),
            (ChannelKind.sms, "0971-6123456"),
            (ChannelKind.wecom, ROBOT_ADDRESSES[ChannelKind.feishu]),
            (ChannelKind.wecom, "https://qyapi.weixin.qq.com.example.cn/cgi-bin/webhook/send?key=693a91f6-7aoc"),
            (ChannelKind.wecom, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6/../../x"),
            (ChannelKind.feishu, "http://127.0.0.1/open-apis/bot/v2/hook/ca1c9f0a-4a4c"),
            (ChannelKind.dingtalk, "https://user@oapi.dingtalk.com/robot/send?access_token=566cc69da782ec"),
        ],
    )
    def test_an_address_that_leads_elsewhere_is_refused_and_not_repeated(
        self, desk: Desk, kind: ChannelKind, address: str
    ) -> None:
        with pytest.raises(ChannelAddressUnreadable) as refusal:
            added(desk, kind, address)
        assert address not in str(refusal.value)
        assert KIND_NAMES[kind].zh in refusal.value.sentence("zh")

    def test_who_it_is_for_is_one_person_or_one_union_and_in_reach(self, desk: Desk) -> None:
        mail = {"kind": ChannelKind.mail, "address": "a@example.cn"}
        robot = {"kind": ChannelKind.wecom, "address": ROBOT_ADDRESSES[ChannelKind.wecom]}
        for values, refusal in (
            (mail, ChannelOwnerUnclear),
            (mail | {"username": HANDLER, "org_code": GOLMUD}, ChannelOwnerUnclear),
            (robot | {"username": HANDLER}, RobotNeedsUnion),
            (mail | {"username": "nobody"}, PersonNotFound),
            (mail | {"org_code": "999999"}, UnionUnknown),
        ):
            with pytest.raises(refusal):
                desk.do("admin1", add_channel, AddChannel(**values))  # type: ignore[arg-type]
        added(desk, **mail, org_code=GOLMUD)
        with pytest.raises(ChannelExists):
            added(desk, **mail, org_code=GOLMUD)
        with pytest.raises(ChannelsNotYours):
            desk.do("supervisor1", add_channel, AddChannel(**mail, org_code="630100"))  # type: ignore[arg-type]

    def test_another_parts_channels_are_not_there(self, desk: Desk) -> None:
        channel = added(desk, ChannelKind.mail, "a@example.cn", username=HANDLER)
        elsewhere = replace(SYSTEM, kind=ActorKind.person, scope="6301", permissions={Permission.channel_manage})
        for step in (remove_channel, pause_channel, resume_channel, try_channel):
            with pytest.raises(ChannelNotFound), desk.application.unit(elsewhere) as unit:
                step(unit, channel)
        with desk.application.unit(elsewhere) as unit:
            assert channels(unit) == []
            with pytest.raises(PersonNotFound):
                add_channel(unit, AddChannel(kind=ChannelKind.mail, address="b@example.cn", username=HANDLER))
            with pytest.raises(UnionUnknown):
                add_channel(unit, AddChannel(kind=ChannelKind.mail, address="b@example.cn", org_code=GOLMUD))

    def test_each_step_is_on_record_without_the_address(self, desk: Desk) -> None:
        channel = added(desk, ChannelKind.mail, "li.ming@example.cn", username=HANDLER)
        with desk.application.unit() as unit:
            for step in (pause_channel, resume_channel, try_channel, remove_channel):
                step(unit, channel)
        rows = desk.rows(
            "select action, after::text as after from audit_event where action like '%channel:%' order by id"
        )
        assert [row.action.removeprefix("system:") for row in rows] == [
            f"channel:{verb}" for verb in ("add", "pause", "resume", "test", "remove")
        ]
        assert "example.cn" not in str(rows)
