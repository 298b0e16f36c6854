"""Names for people of the closed lists that tables store as codes."""

from collections.abc import Mapping

from service.core.errors import Bilingual
from service.identity.permissions import ROLE_NAMES
from service.notifications.channels import KIND_NAMES
from service.reports.audit_words import ACTIONS as AUDITED
from service.reports.audit_words import PARTS as LOOK_PARTS
from service.reports.breaches import CLOCK_NAMES as REPORT_CLOCK_NAMES
from service.reports.breaches import TIER_NAMES as REPORT_TIER_NAMES
from service.tickets.states import STATE_NAMES, State

Words = Mapping[str, Bilingual]


def _words(**pairs: tuple[str, str]) -> Words:
    return {code: Bilingual(*pair) for code, pair in pairs.items()}


STATES: Words = {state.value: Bilingual(*STATE_NAMES[state]) for state in State}
CLOCKS: Words = {code: Bilingual(*names) for code, names in REPORT_CLOCK_NAMES.items()}
TIERS: Words = {code: Bilingual(*names) for code, names in REPORT_TIER_NAMES.items()}

CHANNELS = _words(
    phone=("电话", "phone"),
    mini_program=("小程序", "mini-program"),
    web=("网站", "web"),
    sms=("短信", "SMS"),
    visit=("来访", "visit"),
    letter=("来信", "letter"),
    transfer_12345=("12345 转办", "from 12345"),
    national=("全总交办", "from the national federation"),
    **{"import": ("批量导入", "imported")},
)

NOTICE_WAYS: Words = {kind.value: name for kind, name in KIND_NAMES.items()}

FATES = _words(
    waiting=("待发送", "not sent yet"),
    delivered=("网关已接收", "delivered to the gateway"),
    logged=("仅写入日志,未发出", "to the log alone, not sent"),
    failed=("未送达,将重试", "not delivered, tried again"),
    refused=("对方拒收", "refused"),
    given_up=("多次失败,已放弃", "given up"),
    dropped=("未发送", "not sent"),
)

KINDS = _words(
    consultation=("咨询", "consultation"),
    complaint=("投诉", "complaint"),
    help=("求助", "call for help"),
    report=("举报", "report"),
    suggestion=("建议", "suggestion"),
    praise=("表扬", "praise"),
)

# Each level with what it means, for whoever chooses: an agent with a caller on the line, or the worker.
CONFIDENTIALITY_OFFERED = _words(
    open=(
        "不保密:承办单位看到脱敏的姓名和电话,说明理由后可查看并联系职工",
        "open: the unions see name and phone masked, and for a reason in clear, to ring the worker",
    ),
    from_unions=(
        "对承办单位保密:只有省级热线中心知道是谁,由中心联系职工",
        "hidden from the unions that handle it: the provincial centre alone knows, and speaks with the worker",
    ),
    intake_only=(
        "仅受理人员可见:省级热线中心里也只有坐席可查看,其他人只见脱敏",
        "known to the intake alone: even at the centre only agents can see it, the others a masked form",
    ),
)
CONFIDENTIALITY_ASKED = _words(
    open=("不保密,办理的工会可以联系我", "No: the union that handles it may contact me"),
    from_unions=("不让办理的工会知道我是谁,由热线中心联系我", "From the unions: the hotline's centre contacts me"),
    intake_only=("只让热线的受理人员知道我是谁", "From everybody but those who take it down at the hotline"),
)

MEMBERSHIPS = _words(
    member=("是会员", "a member"), not_member=("不是", "not a member"), unknown=("不清楚", "not known")
)

IDENTITY_GROUPS = _words(
    migrant_worker=("农民工", "migrant worker"),
    platform_worker=("新就业形态劳动者", "platform worker"),
    woman_worker=("女职工", "woman worker"),
    worker_in_hardship=("困难职工", "worker in hardship"),
    other=("其他职工", "other"),
)

CONTACT_TIMES = _words(
    any=("随时", "any time"),
    office_hours=("上班时间", "office hours"),
    evening=("晚上", "evenings"),
    weekend=("周末", "weekends"),
)

OTHER_CHANNELS = _words(
    hotline_12345=("12345", "12345"),
    labour_inspection=("劳动监察", "labour inspection"),
    arbitration=("仲裁", "arbitration"),
    court=("法院", "court"),
    petition=("信访", "petition office"),
)

NOT_KNOWN = _words(
    employer=("单位名称", "the employer"), people_count=("人数", "how many"), amount_owed=("金额", "the amount")
)

LIKENESS = _words(
    same_caller=("同一来电人", "same caller"),
    same_employer=("同一单位", "same employer"),
    same_category=("同一类别", "same category"),
    same_place=("同一地点", "same place"),
    similar_text=("内容相似", "similar text"),
)

OUTCOMES = _words(
    spoken_answer=("口头答复", "spoken answer"),
    settlement=("促成和解", "settlement"),
    mediation_agreement=("工会调解协议", "union mediation agreement"),
    letters=("一函两书", "reminder letter, opinion or recommendation"),
    labour_inspection=("移送劳动监察", "handed to labour inspection"),
    arbitration=("引导劳动仲裁", "to arbitration"),
    procuratorate=("移送检察机关", "handed to the procuratorate"),
    legal_aid=("提供法律援助", "legal aid opened"),
    hardship_relief=("困难帮扶", "hardship relief"),
    mutual_aid=("医疗互助理赔", "mutual-aid claim"),
    transfer_12345=("转 12345", "to 12345"),
)

REJECTIONS = _words(
    emergency=("紧急警情,应拨打 110、119、120", "an emergency for 110, 119 or 120"),
    legal_channel=("已进入诉讼、仲裁或信访程序", "already in court, arbitration or petition"),
    secret_or_unlawful=("涉密或违法内容", "secret or unlawful"),
    nothing_new=("与上次相同,无新情况", "nothing new since last time"),
    out_of_scope=("不属于工会职责范围", "outside the unions' duties"),
    malicious=("恶意诉求", "malicious"),
)

PEERS = _words(
    **{"12345": ("12345 热线", "the 12345 line")},
    national=("全国总工会", "the national federation"),
    labour_inspection=("劳动保障监察", "labour inspection"),
    court=("人民法院", "the courts"),
    other=("其他单位", "another body"),
)

SUSPENSIONS = _words(
    legal_procedure=("正在诉讼、仲裁或工伤认定", "court, arbitration or injury recognition under way"),
    caller_unreachable=("联系不上职工", "the worker cannot be reached"),
    material_awaited=("等待职工补充材料", "material awaited from the worker"),
)

WAYS = _words(
    phone=("电话", "phone"),
    visit=("见面", "in person"),
    message=("短信或微信", "text message"),
    letter=("书面", "in writing"),
)

CALLBACK_RESULTS = _words(
    answered=("接通,已回答", "answered"),
    timeout=("接通,未作答", "no answer given in time"),
    invalid_key=("按键无效", "invalid key"),
    unreachable=("无法接通", "not reached"),
    refused=("拒绝评价", "refused to rate"),
)

SATISFACTION = {
    "5": Bilingual("非常满意", "very satisfied"),
    "4": Bilingual("满意", "satisfied"),
    "3": Bilingual("基本满意", "basically satisfied"),
    "2": Bilingual("不满意", "dissatisfied"),
    "1": Bilingual("非常不满意", "very dissatisfied"),
}

DISSATISFACTIONS = _words(
    not_contacted=("没有人联系我", "nobody contacted me"),
    not_resolved=("问题没有解决", "it was not resolved"),
    attitude=("态度不好", "the attitude was poor"),
    late=("办得太慢", "it took too long"),
    untrue_reply=("答复不符合事实", "the reply was not true"),
    policy_does_not_allow=("政策不允许,对结果不满意", "policy does not allow it"),
    unreasonable_demand=("诉求过高", "the demand could not be met"),
)

REQUESTS = _words(
    rejection=("不予受理", "rejection"),
    **{"return": ("退单", "return")},
    extension=("延期", "extension"),
    suspension=("挂起", "suspension"),
)

MATERIALS = _words(
    asked=("待收", "awaited"), received=("已收到", "received"), not_needed=("不再需要", "needed no longer")
)

TASKS = _words(open=("待答复", "open"), answered=("已答复", "answered"), called_off=("已撤销", "called off"))

PROOFS = _words(
    worker=("职工回访确认", "the worker confirmed it"),
    evidence=("有附件证明", "proved by a file"),
    unverified=("未核实", "unverified"),
    not_needed=("不须证明", "needs no proof"),
)

LEVELS = _words(province=("省级", "the province"), prefecture=("市州级", "the city"), county=("县级", "the county"))

LEGS = _words(
    citizen=("对职工的承诺", "the promise to the worker"),
    province=("省级", "province"),
    prefecture=("市州级", "city"),
    county=("县级", "county"),
)

ASSIGNMENT_ROLES = _words(lead=("主办", "lead"), assist=("协办", "assisting"))
ASSIGNMENT_ENDS = _words(
    returned=("已退单", "returned"), moved=("已改派", "moved elsewhere"), finished=("已办结", "finished")
)
VERDICTS = _words(approved=("审核通过", "approved"), sent_back=("审核退回", "sent back"))

LINKS = _words(
    duplicate=("同一事项", "the same matter"),
    appeal=("办结后再反映", "taken up after closing"),
    related=("其他关联", "otherwise related"),
)

# What a union can ask to be left out of its score.
EXCLUDABLE = _words(
    rating=("评价", "the rating"),
    resolve=("办理逾期", "late: resolution"),
    leg=("下派办理逾期", "late: the lower union's part"),
    sign=("签收逾期", "late: signing"),
    first_contact=("首次联系逾期", "late: first contact"),
)
EXCLUSION_VERDICTS = _words(granted=("已剔除", "excluded"), refused=("不予剔除", "not excluded"))

RUNGS = _words(
    half=("时限过半", "half of the time is used"),
    most=("时限已用八成", "four fifths of the time are used"),
    warn_4h=("下班前 4 小时", "4 hours before the office closes"),
    warn_1h=("下班前 1 小时", "1 hour before the office closes"),
    breach=("已到期,逾期", "the deadline has passed"),
    limit=("时限已到", "the limit has passed"),
    late_1=("逾期 1 个工作日", "1 working day late"),
    late_3=("逾期 3 个工作日", "3 working days late"),
)

ROLES: Words = {role.value: name for role, name in ROLE_NAMES.items()}

# What a peer system may be given.
PEER_SCOPES = _words(
    **{
        "ticket:read": ("查看工单", "read tickets"),
        "ticket:create": ("登记工单", "register tickets"),
        "ticket:accept": ("受理工单", "accept tickets"),
        "ticket:note": ("备注与附件", "add notes and files"),
        "ticket:urge": ("催办", "urge"),
        "ticket:withdraw": ("撤回", "withdraw"),
        "ticket:export": ("导出工单", "export tickets"),
        "employer:read": ("查看用人单位", "read employers"),
        "knowledge:read": ("查看知识库", "read the knowledge base"),
        "report:read": ("查看报表", "read reports"),
    }
)

# What a light says in words, and the shape that says it without colour.
LIGHTS = _words(
    red=("逾期", "overdue"),
    yellow=("临期", "due soon"),
    green=("正常", "in time"),
    blue=("挂起", "suspended"),
    none=("已结束", "ended"),
)
LIGHT_SHAPES = {"red": "◆", "yellow": "▲", "green": "●", "blue": "❚❚", "none": "—"}

CLOCK_STATUSES = _words(running=("计时中", "running"), paused=("暂停", "paused"), stopped=("已停止", "stopped"))

HELD = _words(ticket=("这张工单", "this ticket"), caller=("该来电人的全部工单", "all tickets of its caller"))
RETENTION_STATES = _words(
    previewed=("已预览,尚未提出清理", "previewed"),
    asked=("已提出,等待另一人批准", "asked for, to be approved by another"),
    approved=("已批准,正在清理", "approved, being erased"),
    finished=("已完成", "finished"),
    replaced=("已被新的预览取代", "replaced by a newer preview"),
)

LISTS: Mapping[str, Words] = {
    "held": HELD,
    "retention_state": RETENTION_STATES,
    "audited": AUDITED,
    "look_part": LOOK_PARTS,
    "state": STATES,
    "clock": CLOCKS,
    "tier": TIERS,
    "channel": CHANNELS,
    "notice_way": NOTICE_WAYS,
    "fate": FATES,
    "kind": KINDS,
    "membership": MEMBERSHIPS,
    "identity_group": IDENTITY_GROUPS,
    "contact_time": CONTACT_TIMES,
    "other_channel": OTHER_CHANNELS,
    "not_known": NOT_KNOWN,
    "likeness": LIKENESS,
    "outcome": OUTCOMES,
    "rejection": REJECTIONS,
    "suspension": SUSPENSIONS,
    "way": WAYS,
    "callback": CALLBACK_RESULTS,
    "satisfaction": SATISFACTION,
    "dissatisfaction": DISSATISFACTIONS,
    "request": REQUESTS,
    "material": MATERIALS,
    "proof": PROOFS,
    "task": TASKS,
    "level": LEVELS,
    "leg": LEGS,
    "assignment_role": ASSIGNMENT_ROLES,
    "assignment_end": ASSIGNMENT_ENDS,
    "verdict": VERDICTS,
    "link": LINKS,
    "excludable": EXCLUDABLE,
    "exclusion": EXCLUSION_VERDICTS,
    "rung": RUNGS,
    "role": ROLES,
    "peer_scope": PEER_SCOPES,
    "light": LIGHTS,
    "clock_status": CLOCK_STATUSES,
}


def word(kind: str, code: object) -> Bilingual:
    """The name of a code in one of the lists; a code that no list knows stands for itself."""
    text = "" if code is None else str(code)
    return LISTS[kind].get(text) or Bilingual(text, text)
