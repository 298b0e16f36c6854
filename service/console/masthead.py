"""What the head of every page says of the reader."""

from dataclasses import dataclass

from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.people import display_name
from service.identity.permissions import Permission
from service.notifications.inbox import unread_count
from service.org.tree import org_tree


@dataclass(frozen=True, slots=True)
class Masthead:
    """Who is logged in, what of the menu is theirs, and how many notices wait. Two statements."""

    name: str
    username: str
    org_code: str
    union: Bilingual
    roles: tuple[str, ...]
    unread: int
    reads_tickets: bool
    creates_tickets: bool
    reads_reports: bool
    manages_rules: bool
    keeps_employers: bool
    keeps_channels: bool
    keeps_peers: bool
    keeps_people: bool
    records_absences: bool
    reads_knowledge: bool
    answers_consults: bool
    decides_exclusions: bool
    supervised: bool
    checks_quality: bool
    answers_tasks: bool
    reads_audit: bool
    keeps_time: bool


def masthead_of(unit: Unit) -> Masthead:
    """The masthead for the actor of a unit."""
    actor = unit.actor
    union = org_tree(unit.session).get(actor.org_code)
    return Masthead(
        name=display_name(unit),
        username=actor.name,
        org_code=actor.org_code,
        union=Bilingual(union.name_zh, union.name_en),
        roles=tuple(sorted(actor.roles)),
        unread=unread_count(unit),
        reads_tickets=actor.may(Permission.ticket_read),
        creates_tickets=actor.may(Permission.ticket_create),
        reads_reports=actor.may(Permission.report_read),
        manages_rules=actor.may(Permission.policy_manage) and actor.org_code == PROVINCE_CODE,
        keeps_employers=actor.may(Permission.employer_manage) and actor.org_code == PROVINCE_CODE,
        keeps_channels=actor.may(Permission.channel_manage),
        keeps_peers=actor.may(Permission.peer_manage) and actor.org_code == PROVINCE_CODE,
        keeps_people=actor.may(Permission.person_manage),
        answers_consults=actor.may(Permission.consult_answer),
        decides_exclusions=actor.may(Permission.exclusion_decide) and actor.org_code == PROVINCE_CODE,
        checks_quality=actor.may(Permission.ticket_redo),
        supervised=actor.may(Permission.supervision_answer) or actor.may(Permission.ticket_supervise),
        answers_tasks=actor.may(Permission.task_answer),
        reads_audit=actor.may(Permission.audit_read) or actor.may(Permission.look_read),
        keeps_time=actor.may(Permission.retention_manage) or actor.may(Permission.hold_manage),
        reads_knowledge=actor.may(Permission.knowledge_read),
        records_absences=actor.may(Permission.absence_record),
    )
