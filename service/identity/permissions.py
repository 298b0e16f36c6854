"""Rights and roles. A right is `noun:verb`; a role is a set of rights; what is not listed is denied."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from service.core.errors import Bilingual


class Permission(StrEnum):
    """Every right there is."""

    ticket_read = "ticket:read"
    ticket_create = "ticket:create"
    ticket_accept = "ticket:accept"
    ticket_answer = "ticket:answer"
    ticket_reject = "ticket:reject"
    ticket_dispatch = "ticket:dispatch"
    ticket_retier = "ticket:retier"
    ticket_sign = "ticket:sign"
    ticket_assign = "ticket:assign"
    ticket_return = "ticket:return"
    ticket_contact = "ticket:contact"
    ticket_reply = "ticket:reply"
    ticket_extend = "ticket:extend"
    ticket_suspend = "ticket:suspend"
    ticket_approve = "ticket:approve"
    ticket_callback = "ticket:callback"
    ticket_redo = "ticket:redo"
    ticket_reopen = "ticket:reopen"
    ticket_urge = "ticket:urge"
    ticket_supervise = "ticket:supervise"
    ticket_note = "ticket:note"
    ticket_export = "ticket:export"
    ticket_export_clear = "ticket:export-clear"
    ticket_merge = "ticket:merge"
    ticket_link = "ticket:link"
    ticket_group = "ticket:group"
    ticket_withdraw = "ticket:withdraw"
    ticket_transfer = "ticket:transfer"
    ticket_terminate = "ticket:terminate"
    ticket_pass_down = "ticket:pass-down"  # noqa: S105 - a right, not a password
    supervision_answer = "supervision:answer"
    exclusion_ask = "exclusion:ask"
    exclusion_decide = "exclusion:decide"
    rejection_decide = "rejection:decide"
    return_decide = "return:decide"
    extension_decide = "extension:decide"
    suspension_decide = "suspension:decide"
    caller_reveal = "caller:reveal"
    caller_reveal_confided = "caller:reveal-confided"
    employer_read = "employer:read"
    employer_manage = "employer:manage"
    union_manage = "union:manage"
    report_read = "report:read"
    person_manage = "person:manage"
    absence_record = "absence:record"
    absence_manage = "absence:manage"
    duty_manage = "duty:manage"
    recusal_declare = "recusal:declare"
    recusal_manage = "recusal:manage"
    material_ask = "material:ask"
    task_set = "task:set"
    task_answer = "task:answer"
    consult_ask = "consult:ask"
    consult_answer = "consult:answer"
    knowledge_read = "knowledge:read"
    knowledge_write = "knowledge:write"
    template_write = "template:write"
    policy_manage = "policy:manage"
    channel_manage = "channel:manage"
    peer_manage = "peer:manage"
    audit_read = "audit:read"
    look_read = "look:read"
    retention_manage = "retention:manage"
    retention_approve = "retention:approve"
    hold_manage = "hold:manage"
    worker_export = "worker:export"


class Role(StrEnum):
    """坐席, 律师, 派单员, 承办人, 审核人, 督办员, 管理员, 审计员."""

    agent = "agent"
    lawyer = "lawyer"
    dispatcher = "dispatcher"
    handler = "handler"
    reviewer = "reviewer"
    supervisor = "supervisor"
    admin = "admin"
    auditor = "auditor"


ROLE_NAMES: Mapping[Role, Bilingual] = MappingProxyType(
    {
        Role.agent: Bilingual("坐席", "agent"),
        Role.lawyer: Bilingual("律师", "lawyer"),
        Role.dispatcher: Bilingual("派单员", "dispatcher"),
        Role.handler: Bilingual("承办人", "handler"),
        Role.reviewer: Bilingual("审核人", "reviewer"),
        Role.supervisor: Bilingual("督办员", "supervisor"),
        Role.admin: Bilingual("管理员", "administrator"),
        Role.auditor: Bilingual("审计员", "auditor"),
    }
)

P = Permission

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.agent: frozenset(
        {
            P.ticket_read,
            P.ticket_link,
            P.ticket_create,
            P.ticket_accept,
            P.ticket_answer,
            P.ticket_reject,
            P.ticket_callback,
            P.ticket_urge,
            P.consult_ask,
            P.ticket_note,
            P.ticket_merge,
            P.ticket_group,
            P.ticket_withdraw,
            P.caller_reveal,
            P.caller_reveal_confided,
            P.ticket_export_clear,
            P.employer_read,
        }
    ),
    Role.lawyer: frozenset({P.ticket_read, P.ticket_answer, P.ticket_note, P.caller_reveal, P.consult_answer}),
    Role.dispatcher: frozenset(
        {
            P.ticket_read,
            P.ticket_link,
            P.exclusion_decide,
            P.ticket_create,
            P.ticket_accept,
            P.ticket_dispatch,
            P.task_set,
            P.ticket_retier,
            P.ticket_urge,
            P.ticket_note,
            P.ticket_merge,
            P.ticket_group,
            P.ticket_transfer,
            P.rejection_decide,
            P.return_decide,
            P.suspension_decide,
            P.extension_decide,
            P.worker_export,
            P.employer_read,
            P.employer_manage,
            P.ticket_export,
            P.report_read,
        }
    ),
    Role.handler: frozenset(
        {
            P.ticket_read,
            P.exclusion_ask,
            P.ticket_sign,
            P.ticket_assign,
            P.ticket_return,
            P.ticket_contact,
            P.ticket_reply,
            P.ticket_extend,
            P.ticket_suspend,
            P.material_ask,
            P.task_set,
            P.task_answer,
            P.consult_ask,
            P.ticket_note,
            P.supervision_answer,
            P.ticket_pass_down,
            P.caller_reveal,
        }
    ),
    Role.reviewer: frozenset(
        {
            P.ticket_read,
            P.exclusion_ask,
            P.ticket_assign,
            P.ticket_approve,
            P.extension_decide,
            P.ticket_note,
            P.supervision_answer,
            P.ticket_pass_down,
            P.ticket_export,
            P.report_read,
        }
    ),
    Role.supervisor: frozenset(
        {
            P.ticket_read,
            P.ticket_link,
            P.exclusion_decide,
            P.ticket_urge,
            P.ticket_supervise,
            P.ticket_redo,
            P.ticket_reopen,
            P.ticket_terminate,
            P.ticket_group,
            P.ticket_note,
            P.extension_decide,
            P.suspension_decide,
            P.look_read,
            P.caller_reveal_confided,
            P.worker_export,
            P.retention_approve,
            P.hold_manage,
            P.ticket_export,
            P.report_read,
        }
    ),
    # The administrator keeps people and rules and sees no caller's data; the auditor reads logs only.
    Role.admin: frozenset(
        {
            P.person_manage,
            P.policy_manage,
            P.channel_manage,
            P.peer_manage,
            P.employer_read,
            P.employer_manage,
            P.union_manage,
            P.retention_manage,
        }
    ),
    Role.auditor: frozenset({P.audit_read}),
}


# Everybody but the auditor, whom nothing is told and who handles nothing, may be away and may have an interest; for
# others it is recorded by those who lead or keep the people.
for _role in frozenset(Role) - {Role.auditor}:
    ROLE_PERMISSIONS[_role] |= {P.absence_record}
    if P.ticket_read in ROLE_PERMISSIONS[_role]:
        ROLE_PERMISSIONS[_role] |= {P.recusal_declare, P.knowledge_read}
for _role in (Role.reviewer, Role.supervisor, Role.admin):
    ROLE_PERMISSIONS[_role] |= {P.absence_manage, P.duty_manage, P.recusal_manage, P.template_write}
for _role in (Role.lawyer, Role.supervisor, Role.admin):
    ROLE_PERMISSIONS[_role] |= {P.knowledge_read, P.knowledge_write}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """All rights that these roles give together."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
