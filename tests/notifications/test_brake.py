"""The storm brake: a person is told of the first few and then, once, of all the rest; the ledger knows no brake."""

import threading
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from service.core.unit import Unit
from service.escalations.digests import DigestNotFound, digest_page
from service.escalations.firing import sweep
from service.identity.people import actor_of_username
from service.notifications.brake import Brake
from service.tickets.recusing import RecusePerson, recuse
from tests.desk import GOLMUD, Desk, at

BRAKE = Brake(notices=2, urgent=3)
HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
LATE = "2026-11-30 10:00"  # past every rung up to the breach, in office hours


def swept(desk: Desk, *, limit: int = 1000, brake: Brake = BRAKE) -> None:
    """Sweep until nothing is due, each batch a transaction."""
    while True:
        with desk.application.unit() as unit:
            if not sweep(unit, limit=limit, brake=brake).clocks:
                return


def deliver(desk: Desk) -> None:
    """Deliver every message, whenever it was to come."""
    for row in desk.rows("select id from outbox_message where done_at is null order by id"):
        desk.application.courier.deliver(row.id)


def stormy(desk: Desk, count: int = 4, **changes: Any) -> list[str]:
    numbers = [desk.in_progress(**changes) for _ in range(count)]
    deliver(desk)
    desk.go_to(LATE)
    return numbers


def told(desk: Desk) -> Counter[tuple[str, int]]:
    """Who was told of which escalation, by a notice or in a digest."""
    rows = desk.rows(
        """
        select p.username, substring(n.key from 'escalation:(.*)')::int as escalation
        from notice n join person p on p.id = n.person_id where n.key like 'escalation:%'
        union all
        select p.username, h.escalation_id from held_notice h join notice_tally t on t.id = h.tally_id
        join person p on p.id = t.person_id
        join notice n on n.tally_id = t.id
        """
    )
    return Counter((row.username, row.escalation) for row in rows)


def in_ledger(desk: Desk) -> Counter[tuple[str, int]]:
    rows = desk.rows("select id, targets from escalation")
    return Counter((target["username"], row.id) for row in rows for target in row.targets)


def inbox(desk: Desk, who: str) -> list[Any]:
    return desk.rows(
        "select n.* from notice n join person p on p.id = n.person_id"
        " where p.username = :who and (n.key like 'escalation:%' or n.tally_id is not null) order by n.id",
        who=who,
    )


def as_person(unit: Unit, who: str) -> Unit:
    unit.actor = actor_of_username(unit, who)
    return unit


def test_beyond_the_bound_there_is_one_digest_and_everybody_hears_of_all_that_the_ledger_says(desk: Desk) -> None:
    stormy(desk)
    swept(desk)
    deliver(desk)

    assert told(desk) == in_ledger(desk)
    notices = inbox(desk, HANDLER)
    assert [notice.tally_id is None for notice in notices] == [True, True, False]
    assert f"另有 {len([1 for who, _ in in_ledger(desk) if who == HANDLER]) - 2} 条提醒" in notices[-1].text_zh


def test_the_digest_says_of_which_kind_and_names_the_oldest(desk: Desk) -> None:
    numbers = stormy(desk, 3)
    swept(desk, brake=Brake(notices=1))
    deliver(desk)
    (digest,) = [notice for notice in inbox(desk, LEADER) if notice.tally_id]

    held = desk.rows(
        "select e.clock_kind, e.rung, count(*) from held_notice h join escalation e on e.id = h.escalation_id"
        " where h.tally_id = :id group by 1, 2 order by 3 desc",
        id=digest.tally_id,
    )
    assert held[0].count > 1
    assert f"时限已用八成 {next(row.count for row in held if row.rung == 'most')} 条" in digest.text_zh
    assert any(number in digest.text_zh and number in digest.text_en for number in numbers)


def test_many_batches_make_the_same_one_digest(desk: Desk) -> None:
    stormy(desk, 5)
    swept(desk, limit=2)
    deliver(desk)

    assert told(desk) == in_ledger(desk)
    assert [notice.tally_id is None for notice in inbox(desk, HANDLER)] == [True, True, False]


def test_a_digest_that_waits_to_be_written_is_asked_for_once(desk: Desk) -> None:
    stormy(desk, 8)
    swept(desk, limit=1)
    waiting = desk.rows("select payload ->> 'tally_id' as tally from outbox_message where kind = 'digest'")
    assert len(waiting) == len({row.tally for row in waiting}), "not once a batch"
    deliver(desk)
    stormy(desk, 3)
    swept(desk, limit=1)
    deliver(desk)

    assert told(desk) == in_ledger(desk)


def test_a_digest_whose_mark_was_left_standing_is_asked_for_again(desk: Desk) -> None:
    """A worker of the version before writes the digest and does not take the mark away."""
    year = Brake(notices=2, urgent=3, window=timedelta(days=365))
    stormy(desk)
    swept(desk, brake=year)
    deliver(desk)
    with desk.application.unit() as unit:
        unit.session.execute(text("update notice_tally set digest_asked_at = :at"), {"at": unit.now})
    desk.go_to("2026-12-01 10:00")
    swept(desk, brake=year)
    deliver(desk)

    grown = desk.rows(
        "select t.id, t.told from notice_tally t join person p on p.id = t.person_id where p.username = :who",
        who=LEADER,
    )
    assert len(grown) == 1
    (digest,) = [notice for notice in inbox(desk, LEADER) if notice.tally_id]
    assert f"另有 {grown[0].told - 2} 条提醒" in digest.text_zh


def test_a_supervision_that_a_rung_opens_is_told_of_with_the_rung_and_braked_with_it(desk: Desk) -> None:
    stormy(desk, 5)
    desk.go_to("2026-12-02 10:00")  # past the rung that opens supervisions
    swept(desk)
    deliver(desk)

    assert desk.rows("select count(*) from supervision")[0].count == 5
    assert desk.rows("select count(*) from notice where text_zh like '督办:%'")[0].count == 0
    assert told(desk) == in_ledger(desk)
    (digest,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]
    assert "已超期 1 个工作日 5 条" in digest.text_zh


def test_two_sweeps_at_once_count_as_one(desk: Desk) -> None:
    stormy(desk, 6)
    start, failures = threading.Barrier(2), []

    def sweeper() -> None:
        try:
            start.wait()
            swept(desk, limit=1)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=sweeper) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    swept(desk)
    deliver(desk)

    assert failures == []
    assert told(desk) == in_ledger(desk)
    assert [notice.tally_id is None for notice in inbox(desk, HANDLER)] == [True, True, False]


def test_a_sweep_that_is_cut_off_has_counted_nothing(desk: Desk) -> None:
    stormy(desk)
    with suppress(KeyboardInterrupt), desk.application.unit() as unit:
        assert sweep(unit, limit=2, brake=BRAKE).fired
        raise KeyboardInterrupt
    assert desk.rows("select 1 from notice_tally") == []

    swept(desk)
    deliver(desk)
    assert told(desk) == in_ledger(desk)


def test_a_clock_that_fails_is_told_of_to_nobody_and_holds_up_no_other(desk: Desk) -> None:
    broken, *_ = stormy(desk)
    (clock,) = desk.rows(
        "select c.id from sla_clock c join ticket t on t.id = c.ticket_id"
        " where c.kind = 'resolve' and t.number = :number",
        number=broken,
    )
    with desk.by_hand() as owner:
        owner.execute(text("create function fail() returns trigger language plpgsql as $$ begin assert false; end $$"))
        owner.execute(
            text(
                "create trigger fail before update of fired on sla_clock for each row"
                f" when (new.id = {clock.id}) execute function fail()"
            )
        )
    swept(desk)
    deliver(desk)

    assert desk.rows("select 1 from sla_clock where check_failures > 0")
    assert told(desk) == in_ledger(desk)


def test_urgent_ones_pass_one_by_one_up_to_a_bound_of_their_own_and_then_digest_as_urgent(desk: Desk) -> None:
    stormy(desk, 3, urgent=True)
    swept(desk)
    deliver(desk)
    notices = inbox(desk, HANDLER)

    assert told(desk) == in_ledger(desk)
    assert [(notice.urgent, notice.tally_id is None) for notice in notices] == [(True, True)] * 3 + [(True, False)]
    queues = desk.rows("select distinct queue from outbox_message where kind = 'digest'")
    assert [row.queue for row in queues] == ["urgent"]


def test_what_a_night_holds_back_comes_in_the_morning_as_one(desk: Desk) -> None:
    for _ in range(4):
        desk.in_progress()
    desk.go_to("2026-11-27 20:00")
    swept(desk)
    deliver(desk)
    before = {notice.id for notice in inbox(desk, LEADER)}
    desk.go_to("2026-11-28 00:00")
    swept(desk, limit=1)

    rows = desk.rows("select available_at from outbox_message where kind = 'digest' and done_at is null")
    assert {row.available_at for row in rows} == {at("2026-11-28 07:00")}
    deliver(desk)
    assert [notice.tally_id is None for notice in inbox(desk, LEADER) if notice.id not in before] == [True, True, False]


def test_the_next_window_begins_anew(desk: Desk) -> None:
    stormy(desk, 3)
    swept(desk)
    desk.in_progress()
    desk.wait(days=9)
    swept(desk)
    deliver(desk)

    windows = desk.rows("select distinct window_at from notice_tally order by 1")
    assert len(windows) > 1
    assert all(later.window_at - earlier.window_at >= BRAKE.window for earlier, later in pairwise(windows))
    assert told(desk) == in_ledger(desk)


def test_windows_follow_from_the_time_alone() -> None:
    noon = at("2026-11-27 12:00")

    assert BRAKE.window_of(noon + timedelta(minutes=4, seconds=59)) == BRAKE.window_of(noon) == noon
    assert BRAKE.window_of(noon + BRAKE.window) == noon + BRAKE.window


def test_a_digest_that_grows_is_unread_again_and_still_the_same_notice(desk: Desk) -> None:
    stormy(desk, 5)
    with desk.application.unit() as unit:
        sweep(unit, limit=8, brake=BRAKE)
    deliver(desk)
    (first,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]
    with desk.application.unit() as unit:
        unit.session.execute(text("update notice set read_at = created_at"))
    swept(desk)
    deliver(desk)
    (grown,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]

    assert grown.id == first.id
    assert grown.text_zh != first.text_zh
    assert grown.read_at is None


def test_the_list_is_of_exactly_these_escalations_page_by_page(desk: Desk) -> None:
    stormy(desk)
    swept(desk)
    deliver(desk)
    (digest,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]
    with desk.application.reading() as unit:
        as_person(unit, HANDLER)
        seen, cursor = [], None
        while True:
            page = digest_page(unit, digest.tally_id, limit=3, cursor=cursor)
            seen += [(row.ticket_number, row.clock, row.rung) for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break

    held = desk.rows(
        "select t.number, e.clock_kind, e.rung from held_notice h join escalation e on e.id = h.escalation_id"
        " join ticket t on t.id = e.ticket_id where h.tally_id = :id",
        id=digest.tally_id,
    )
    assert Counter(seen) == Counter(tuple(row) for row in held)
    assert page.total == len(held)


def test_a_ticket_out_of_sight_is_counted_and_not_listed(desk: Desk) -> None:
    numbers = stormy(desk)
    swept(desk)
    deliver(desk)
    (digest,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]
    desk.do(HANDLER, recuse, RecusePerson(number=numbers[-1], reason="亲属"))
    with desk.application.reading() as unit:
        page = digest_page(as_person(unit, HANDLER), digest.tally_id)

    assert page.out_of_sight > 0
    assert len(page.rows) == page.total - page.out_of_sight
    assert numbers[-1] not in {row.ticket_number for row in page.rows}


def test_somebody_elses_digest_is_not_there(desk: Desk) -> None:
    stormy(desk)
    swept(desk)
    deliver(desk)
    (digest,) = [notice for notice in inbox(desk, HANDLER) if notice.tally_id]

    with pytest.raises(DigestNotFound), desk.application.reading() as unit:
        digest_page(as_person(unit, LEADER), digest.tally_id)


def test_what_a_digest_stands_for_is_not_rewritten(desk: Desk) -> None:
    with pytest.raises(Exception, match="append"), desk.by_hand() as owner:
        owner.execute(text("delete from held_notice"))
