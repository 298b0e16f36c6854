"""Row-level security under the code's own filter: what a union has no part in, the database does not show it."""

import pytest
from sqlalchemy import func, select, text

from service.core.fence import SERVICE_ROLE
from service.core.unit import Actor
from service.identity.people import actor_of_username
from service.tables import METADATA
from service.tickets.models import Ticket
from tests.desk import GOLMUD, Desk

SIBLING = "632802"
TITLE = "看不见的工单"
# Tables that hang on a ticket and stand outside the fence, each with the reason.
OUTSIDE = {
    "assignment": "the fence itself looks here; it names unions and times, no person and no words",
    "escalation": "a union's figures go by the union that was late, and the row holds no words",
    "recusal": "who keeps out of a matter; the code's filter looks here",
    "sla_clock": "swept by due time and reported by the union that was late; no words",
    "sla_due_change": "hangs on a clock; no words",
    "sla_pause": "hangs on a clock; its reason is one of a closed list",
    "ticket_group_member": "numbers alone",
    "ticket_handler": "who has a matter in hand",
    "ticket_link": "numbers alone",
    "ticket_merge": "numbers alone",
    "ticket_search": "its index would not be used; what it finds is joined to tickets, which the fence holds",
    "legal_hold": "read through the scope filter; the guard of erasures looks here from inside a trigger",
    "retention_item": "numbers and classes alone",
    "article_use": "which article was opened at a matter",
}


def fenced(desk: Desk) -> set[str]:
    rows = desk.rows("select relname from pg_class where relrowsecurity")
    return {row.relname for row in rows}


def test_what_hangs_on_a_ticket_is_behind_the_fence_or_has_a_reason(desk: Desk) -> None:
    hanging = {
        table.name
        for table in METADATA.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in {"ticket", "reply", "supervision", "supervision_answer", "sla_clock", "attachment"}
    }
    assert fenced(desk) & OUTSIDE.keys() == set()
    assert hanging - fenced(desk) == OUTSIDE.keys() & hanging
    assert {"ticket", "caller"} <= fenced(desk)


def test_the_service_owns_nothing_and_changes_nothing_that_is_append_only(desk: Desk) -> None:
    rows = desk.rows(
        "select c.relname as name, pg_get_userbyid(c.relowner) as owner,"
        " exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname like '%_append_only') as append_only,"
        " (select array_agg(lower(a.privilege_type)) from aclexplode(c.relacl) a"
        "  where a.grantee = :role ::regrole) as rights"
        " from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace",
        role=SERVICE_ROLE,
    )
    assert desk.rows("select current_user as me")[0].me == SERVICE_ROLE
    assert len(rows) == len(METADATA.tables) + 1
    for row in rows:
        few = {"select"} if row.name == "alembic_version" else {"select", "insert"}
        wanted = few if row.append_only or row.name == "alembic_version" else {*few, "update", "delete"}
        assert set(row.rights) == wanted, row.name
        assert row.owner != SERVICE_ROLE
    assert sum(row.append_only for row in rows) > 10


def test_a_transaction_that_has_not_said_who_asks_sees_nothing_and_neither_does_the_one_after(desk: Desk) -> None:
    desk.in_progress(GOLMUD)
    assert desk.rows("select count(*) from ticket")[0].count == 1

    with desk.application.database.reading() as session:
        assert session.scalar(text("select count(*) from ticket")) == 0
        assert session.scalar(text("select count(*) from ticket_event")) == 0
    nobody = Actor(id=None, name="x", org_code="", scope="-", permissions=frozenset())
    with desk.application.reading(nobody) as unit:
        assert unit.session.scalar(text("select count(*) from caller")) == 0


@pytest.fixture
def whole(desk: Desk) -> Desk:
    """A matter of one county with something of nearly everything on it."""
    desk.to_callback(title=TITLE)
    return desk


def counts(desk: Desk, who: str) -> dict[str, int]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        count = "select count(*) from {}".format
        return {name: unit.session.execute(text(count(name))).scalar_one() for name in sorted(fenced(desk))}


def test_a_sibling_county_reads_no_row_whatever_it_asks(whole: Desk) -> None:
    seen = counts(whole, f"handler-{GOLMUD}")
    assert {"ticket", "ticket_event", "caller", "reply"} <= {name for name, rows in seen.items() if rows}

    assert not any(counts(whole, f"handler-{SIBLING}").values())
    assert counts(whole, f"leader-{GOLMUD[:4]}00") == seen, "the city above it sees what it sees"
    assert counts(whole, "supervisor1") == seen


def test_nothing_can_be_written_out_of_reach(whole: Desk) -> None:
    for statement in (
        "update ticket set title = 'x'",
        "update reply set text = 'x'",
        "delete from attachment",
        "update caller set phone_last4 = '0000'",
    ):
        with whole.application.unit() as unit:
            unit.actor = actor_of_username(unit, f"handler-{SIBLING}")
            assert unit.session.execute(text(statement)).rowcount == 0, statement
    assert whole.rows("select count(*) from ticket where title = :title", title=TITLE)[0].count == 1


def test_what_is_read_again_and_again_is_planned_once(desk: Desk) -> None:
    for _ in range(8):
        with desk.application.reading() as unit:
            unit.session.scalar(select(func.count()).select_from(Ticket))
    with desk.application.reading() as unit:
        prepared = unit.session.scalars(text("select statement from pg_prepared_statements")).all()

    assert any("FROM ticket" in statement for statement in prepared), "a ROLLBACK would have made psycopg forget it"
