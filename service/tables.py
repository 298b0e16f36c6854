"""Every table of every room, so that the metadata is whole for migrations and checks."""

from service.audit.keys import AuditKey
from service.audit.models import AuditEvent, AuditLink
from service.core.db import Base
from service.escalations.models import Escalation
from service.history.models import ImportedTicket, ImportRemark, ImportRun
from service.identity.absences import Absence
from service.identity.duties import Duty
from service.identity.handlers import TicketHandler
from service.identity.identities import LinkedIdentity
from service.identity.models import LoginToken, Person, PersonRole
from service.identity.otp import RecoveryCode, SecondFactor
from service.identity.peer_requests import PeerCall
from service.identity.peers import Peer, PeerSecret
from service.identity.recusals import Recusal
from service.notifications.brake import HeldNotice, NoticeTally
from service.notifications.channels import Channel
from service.notifications.gateway_calls import GatewayCall
from service.notifications.models import GatewayDelivery, Notice
from service.org.models import OrgAlias, OrgUnit
from service.outbox.models import OutboxMessage
from service.ratings.models import CallbackAttempt, Rating
from service.retention.models import LegalHold, RetentionItem, RetentionPolicy, RetentionRun
from service.sla.models import CalendarVersion, PolicyVersion, RuleChange, SlaClock, SlaDueChange, SlaPause
from service.tickets.assisting import AssistTask
from service.tickets.attachments import Attachment
from service.tickets.catalogue import DispatchCatalogueVersion
from service.tickets.concealing import ConcealedNumber
from service.tickets.consulting import Consult
from service.tickets.drafts import IntakeDraft
from service.tickets.evidence import OutcomeEvidence
from service.tickets.exclusions import Exclusion
from service.tickets.final_answers import FinalAnswer
from service.tickets.inside import EmployerUnion
from service.tickets.knowledge import Article, ArticleUse, ArticleVersion
from service.tickets.links import TicketLink
from service.tickets.materials import MaterialRequest
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
from service.tickets.quality_samples import QualityCheck
from service.tickets.receipts import SmsReceipt
from service.tickets.reveals import RevealTally
from service.tickets.scans import FileScan
from service.tickets.search_models import SavedView, TicketSearch
from service.tickets.suggestions import Suggestion
from service.tickets.supervising import SupervisionAnswer
from service.tickets.ties import CallerTie
from service.tickets.together import TicketGroup, TicketGroupMember, TicketMerge
from service.tickets.warning import TicketWarning
from service.tickets.worker_codes import WorkerCode

METADATA = Base.metadata

__all__ = [
    "METADATA",
    "Absence",
    "Article",
    "ArticleUse",
    "ArticleVersion",
    "Assignment",
    "AssistTask",
    "Attachment",
    "AuditEvent",
    "AuditKey",
    "AuditLink",
    "CalendarVersion",
    "CallbackAttempt",
    "Caller",
    "CallerTie",
    "Category",
    "Channel",
    "ConcealedNumber",
    "Consult",
    "DispatchCatalogueVersion",
    "Duty",
    "Employer",
    "EmployerUnion",
    "Escalation",
    "Exclusion",
    "FileScan",
    "FinalAnswer",
    "GatewayCall",
    "GatewayDelivery",
    "HeldNotice",
    "ImportRemark",
    "ImportRun",
    "ImportedTicket",
    "IntakeDraft",
    "LegalHold",
    "LinkedIdentity",
    "LoginToken",
    "MaterialRequest",
    "Notice",
    "NoticeTally",
    "OrgAlias",
    "OrgUnit",
    "OutboxMessage",
    "OutcomeEvidence",
    "Peer",
    "PeerCall",
    "PeerSecret",
    "Person",
    "PersonRole",
    "PolicyVersion",
    "QualityCheck",
    "Rating",
    "RecoveryCode",
    "Recusal",
    "Reply",
    "RetentionItem",
    "RetentionPolicy",
    "RetentionRun",
    "RevealTally",
    "RuleChange",
    "SavedView",
    "SecondFactor",
    "SlaClock",
    "SlaDueChange",
    "SlaPause",
    "SmsReceipt",
    "StepRequest",
    "Suggestion",
    "Supervision",
    "SupervisionAnswer",
    "Ticket",
    "TicketAlias",
    "TicketEvent",
    "TicketGroup",
    "TicketGroupMember",
    "TicketHandler",
    "TicketLink",
    "TicketMerge",
    "TicketSearch",
    "TicketWarning",
    "WorkerCode",
]
