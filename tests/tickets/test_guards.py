"""What the database itself forbids, whatever the code says."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.desk import Desk

FORBIDDEN = {
    "a timeline is not edited": "update ticket_event set note = 'x'",
    "a timeline loses nothing": "delete from ticket_event",
    "the ledger is not edited": "update escalation set rung = 'x'",
    "the ledger loses nothing": "truncate escalation",
    "the audit is not edited": "update audit_event set actor_name = 'x'",
    "a breach is not unmade": "update sla_clock set breached_at = null where breached_at is not null",
    "the first deadline is kept": "update sla_clock set first_due_at = now()",
    "a published policy is not rewritten": "update policy_version set content = '{}'",
    "two versions are not active at once": """insert into policy_version
        (version, content, reason, published_at, active) values ('other', '{}', '', now(), true)""",
    "a state is one of the table's": "update ticket set state = 'lost'",
    "an accepted ticket has a tier": "update ticket set tier = null",
    "a clock runs once for each kind and cycle": """insert into sla_clock
        (ticket_id, kind, leg, cycle, org_code, urgent, promise, policy_version_id, calendar_version_id, started_at,
         first_due_at, due_at, half_at, provisional, extension_days, extensions, fired, check_failures)
        select ticket_id, kind, leg, cycle, org_code, urgent, promise, policy_version_id, calendar_version_id,
         started_at, first_due_at, due_at, half_at, provisional, 0, 0, '{}', 0
        from sla_clock where kind = 'first_contact'""",
    "two pauses do not overlap": """insert into sla_pause (clock_id, starts_at, ends_at, review_at, reason)
        select id, started_at + n * interval '1 hour', null, started_at + interval '9 days', ''
        from sla_clock, generate_series(1, 2) n where kind = 'first_contact'""",
    "a rating is not good by silence": """insert into rating
        (ticket_id, cycle, org_code, way, result, satisfaction, comment, rated_at)
        select id, 1, holder_code, 'call', 'unreachable', 5, '', now() from ticket""",
    "a low score has a reason": """insert into rating
        (ticket_id, cycle, org_code, way, result, contacted, resolved, satisfaction, comment, rated_at)
        select id, 1, holder_code, 'call', 'answered', true, true, 1, '', now() from ticket""",
    "nobody signs their own reply": """insert into reply (ticket_id, cycle, org_code, text, basis, contacted_at,
        contact_way, outcome, recovered, helped, worker_confirmed, replied_by, replied_at, verdict, reviewed_by)
        select t.id, 1, t.holder_code, '', '', now(), 'phone', 'settlement', 0, 0, false, p.id, now(), 'approved', p.id
        from ticket t, person p where p.username = 'agent1'""",
    "one union leads": """insert into assignment (ticket_id, cycle, org_code, role, adjudicated, dispatched_at,
        signed_by_silence) select id, 1, '630102', 'lead', false, now(), false from ticket""",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_the_database_forbids(desk: Desk, statement: str) -> None:
    desk.in_progress()
    with desk.application.unit() as unit:
        unit.session.execute(text("update sla_clock set breached_at = due_at where kind = 'sign'"))

    # As the owner of the tables: the service's role may do less still.
    with pytest.raises(DBAPIError), desk.by_hand() as owner:
        owner.execute(text(statement))


def test_the_models_are_what_the_migrations_made(desk: Desk) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from service.tables import METADATA

    with desk.by_hand() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_reading_unit_cannot_write(desk: Desk) -> None:
    number = desk.registered()

    with pytest.raises(DBAPIError, match="read-only"), desk.application.reading() as unit:
        unit.session.execute(text("update ticket set title = 'x' where number = :number"), {"number": number})
