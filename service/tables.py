"""Every table of every room, so that the metadata is whole for migrations and checks."""

from service.audit.models import AuditEvent
from service.core.db import Base
from service.escalations.models import Escalation
from service.history.models import ImportedTicket, ImportRemark, ImportRun
from service.identity.models import LoginToken, Person, PersonRole
from service.notifications.models import GatewayDelivery, Notice
from service.org.models import OrgAlias, OrgUnit
from service.outbox.models import OutboxMessage
from service.ratings.models import CallbackAttempt, Rating
from service.sla.models import CalendarVersion, PolicyVersion, RuleChange, SlaClock, SlaDueChange, SlaPause
from service.tickets.drafts import IntakeDraft
from service.tickets.links import TicketLink
from service.tickets.models import (
    Assignment,
    Caller,
    Category,
    Employer,
    Reply,
    StepRequest,
    Supervision,
    Ticket,
    TicketAlias,
    TicketEvent,
)
from service.tickets.search_models import SavedView, TicketSearch
from service.tickets.suggestions import Suggestion
from service.tickets.supervising import SupervisionAnswer
from service.tickets.together import TicketGroup, TicketGroupMember, TicketMerge

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "Assignment",
    "AuditEvent",
    "CalendarVersion",
    "CallbackAttempt",
    "Caller",
    "Category",
    "Employer",
    "Escalation",
    "ImportRemark",
    "ImportRun",
    "ImportedTicket",
    "GatewayDelivery",
    "IntakeDraft",
    "LoginToken",
    "Notice",
    "OrgAlias",
    "OrgUnit",
    "OutboxMessage",
    "Person",
    "PersonRole",
    "PolicyVersion",
    "Rating",
    "Reply",
    "RuleChange",
    "SavedView",
    "SlaClock",
    "SlaDueChange",
    "SlaPause",
    "StepRequest",
    "Suggestion",
    "Supervision",
    "SupervisionAnswer",
    "Ticket",
    "TicketAlias",
    "TicketEvent",
    "TicketLink",
    "TicketGroup",
    "TicketGroupMember",
    "TicketMerge",
    "TicketSearch",
]
