"""What the audit says, in words: each action under its name and in its group, each fact with its own."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from service.core.clock import local
from service.core.errors import Bilingual
from service.core.personal import without_numbers
from service.org.tree import OrgTree
from service.reports.breaches import TIER_NAMES
from service.tickets.states import STATE_NAMES, TABLE

GROUPS: dict[str, Bilingual] = {
    "reads": Bilingual("查看与导出", "looks and exports"),
    "tickets": Bilingual("工单办理", "steps on tickets"),
    "files": Bilingual("附件", "files"),
    "people": Bilingual("人员与权限", "people and rights"),
    "rules": Bilingual("规则、模板与名录", "rules, templates, registers"),
    "retention": Bilingual("保存期限与个人请求", "retention and requests of persons"),
    "system": Bilingual("系统运行", "the service itself"),
}

_PAIRS: dict[str, dict[str, tuple[str, str]]] = {
    "reads": {
        "ticket:read": ("查看工单", "looked at a ticket"),
        "ticket:search": ("查询工单", "searched tickets"),
        "ticket:export": ("导出工单", "exported tickets"),
        "ticket:exported": ("导出的工单号", "which tickets were exported"),
        "caller:reveal": ("查看来电人", "saw who called"),
        "caller:reveal-unusual": ("查看来电人次数异常", "unusually many callers seen"),
        "caller:exported": ("导出来电人明文", "exported who called"),
        "caller:lookup": ("按电话查来电人", "looked a phone up"),
        "attachment:download": ("下载附件", "fetched a file"),
        "report:read": ("查看报表", "read a report"),
        "report:export": ("导出报表", "took a report away"),
        "worker:export": ("导出职工个人信息", "took away what is held of a worker"),
        "audit:search": ("查询审计记录", "searched the audit"),
        "audit:export": ("导出审计记录", "exported the audit"),
    },
    "tickets": {
        **{f"ticket:{step.value}": (row.name_zh, row.name_en) for step, row in TABLE.items()},
        **{
            f"ticket:bulk-{step.value}": (f"批量{row.name_zh}", f"{row.name_en}, many at once")
            for step, row in TABLE.items()
        },
        "ticket:add-material": ("职工补充情况", "the worker added something"),
        "caller:confidentiality": ("变更保密级别", "changed who is told who called"),
        "ticket:recuse": ("申报回避", "kept out for an interest"),
        "rating:record": ("评价", "rated"),
        "worker:consent": ("职工同意告知", "the worker consented"),
        "view:keep": ("保存常用查询", "kept a search"),
        "view:forget": ("删除常用查询", "forgot a search"),
    },
    "files": {
        "attachment:add": ("上传附件", "attached a file"),
        "file:infected": ("发现带病毒的文件", "found a virus in a file"),
        "attachment:withdraw": ("撤回附件", "took a file back"),
    },
    "people": {
        "person:create": ("新增人员", "added a person"),
        "person:disable": ("停用人员", "disabled a person"),
        "person:change": ("修改人员", "changed a person"),
        "person:enable": ("恢复人员", "enabled a person"),
        "person:hand-over": ("移交在办事项", "handed open work over"),
        "person:second-factor": ("两步验证", "second factor of a login"),
        "person:recovery-codes": ("重发恢复码", "new recovery codes"),
        "person:password": ("修改密码", "changed a password"),
        "login:begin": ("登录", "logged in"),
        "login:lock": ("登录尝试过多,暂停", "too many tries to log in"),
        "person:link-identity": ("关联身份认证账号", "linked an account of the identity provider"),
        "person:bind-identity": ("身份认证账号首次使用", "first used an account entered beforehand"),
        "person:unlink-identity": ("解除身份认证账号", "unlinked an account of the identity provider"),
        "login:end": ("结束登录", "ended a login"),
        "peer:add": ("新增对接系统", "added a peer system"),
        "peer:rotate": ("更换对接密钥", "changed a peer's key"),
        "peer:revoke": ("停用对接系统", "revoked a peer system"),
        "peer:use": ("对接系统调用", "a peer system called"),
        "absence:record": ("登记请假", "recorded an absence"),
        "absence:cancel": ("取消请假", "cancelled an absence"),
        "duty:record": ("安排值班", "put somebody on duty"),
        "duty:cancel": ("取消值班", "cancelled a duty"),
        "channel:add": ("新增通知渠道", "added a way out for notices"),
        "channel:remove": ("删除通知渠道", "removed a way out"),
        "channel:pause": ("暂停通知渠道", "paused a way out"),
        "channel:resume": ("恢复通知渠道", "resumed a way out"),
        "channel:test": ("试发通知", "tried a way out"),
    },
    "rules": {
        "rules:publish": ("发布规则", "published rules"),
        "rules:recount": ("重新计算期限", "counted deadlines anew"),
        "catalogue:publish": ("发布派单目录", "published the catalogue"),
        "article:publish": ("发布知识", "published an article"),
        "article:withdraw": ("撤回知识", "withdrew an article"),
        "template:publish": ("发布模板", "published a template"),
        "template:withdraw": ("撤回模板", "withdrew a template"),
        "employer:amend": ("修改用人单位", "amended an employer"),
        "employer:add_name": ("增加单位别名", "added an employer's name"),
        "employer:merge": ("合并用人单位", "merged employers"),
        "employer:add_union": ("登记内部工会", "said that a union belongs to an employer"),
        "employer:remove_union": ("取消内部工会", "said that a union does not belong to an employer"),
    },
    "system": {
        "audit:anchor": ("存档链头", "anchored the chain's head"),
        "audit:verify": ("核对审计链", "verified the chain"),
        "audit:adopt": ("认可旧记录", "adopted older events"),
        "caller:tie": ("绑定旧工单的来电人", "tied older tickets to their callers"),
        "keys:rotate": ("更换密钥", "rotated the keys"),
        "backup:made": ("备份", "made a backup"),
        "backup:restored": ("恢复备份", "restored a backup"),
        "history:import": ("开始导入历史", "began an import"),
        "history:imported": ("导入历史", "imported a history"),
        "outbox:retry": ("重发消息", "retried a message"),
        "outbox:bury": ("放弃消息", "gave a message up"),
    },
    "retention": {
        "retention:publish": ("公布保存期限", "published retention periods"),
        "retention:preview": ("清理预览", "previewed what is past its time"),
        "retention:ask": ("提出清理", "asked for the erasure"),
        "retention:approve": ("批准清理", "approved the erasure"),
        "retention:erase": ("到期清理", "erased what was past its time"),
        "retention:skip": ("清理时跳过", "left at the erasure"),
        "retention:finish": ("清理完成", "finished the erasure"),
        "worker:correct": ("更正职工信息", "put right what is held of a worker"),
        "worker:forget": ("职工申请删除身份", "a worker asked to be forgotten"),
        "hold:set": ("冻结保存", "held a ticket"),
        "hold:lift": ("解除冻结", "lifted a hold"),
    },
}

ACTIONS: dict[str, Bilingual] = {code: Bilingual(*pair) for pairs in _PAIRS.values() for code, pair in pairs.items()}
GROUP_OF: dict[str, str] = {code: group for group, pairs in _PAIRS.items() for code in pairs}


def actions_of(group: str) -> list[str]:
    """The actions of a group."""
    return list(_PAIRS[group])


def name_of(action: str) -> Bilingual:
    """An action in words; one that has none yet is its own code."""
    return ACTIONS.get(action) or Bilingual(action, action)


_FACTS: dict[str, tuple[str, str]] = {
    "state": ("状态", "state"),
    "tier": ("分级", "tier"),
    "holder": ("承办单位", "held by"),
    "org": ("单位", "union"),
    "cycle": ("轮次", "cycle"),
    "due_at": ("期限", "due"),
    "suspended": ("挂起", "suspended"),
    "reason": ("理由", "reason"),
    "parts": ("内容", "what"),
    "query": ("条件", "query"),
    "tickets": ("涉及工单", "tickets"),
    "phone": ("电话(编码)", "phone (coded)"),
    "start": ("起始日", "from"),
    "end": ("截止日(不含)", "before"),
    "from": ("起", "from"),
    "to": ("至", "to"),
    "deputy": ("代理人", "deputy"),
    "person": ("人员", "person"),
    "kind": ("类型", "kind"),
    "attachment": ("附件编号", "attachment"),
    "chosen": ("勾选条数", "chosen"),
    "rows": ("条数", "rows"),
    "sink": ("存档处", "sink"),
    "position": ("链上位置", "position"),
    "hash": ("链头", "hash"),
    "links": ("环数", "links"),
    "breaks": ("不符处数", "breaks"),
    "version": ("版本", "version"),
    "done": ("已办理", "done"),
    "policy": ("规则版本", "policy"),
    "calendar": ("日历版本", "calendar"),
    "category": ("类别", "category"),
    "file": ("文件", "file"),
    "name": ("名称", "name"),
    "shared": ("本单位共用", "shared"),
    "taken_at": ("备份时间", "taken at"),
    "q": ("关键词", "words"),
    "number": ("工单号", "number"),
    "phone_last4": ("电话后四位", "last digits"),
    "employer": ("用人单位", "employer"),
    "pieces": ("件数", "pieces"),
    "files": ("附件和录音", "files and recordings"),
    "caller": ("来电人身份", "who called"),
    "matter": ("工单内容", "the words of a matter"),
    "matter_long": ("群体性、督办工单的内容", "collective and supervised matters"),
    "fields": ("更正的项目", "what was put right"),
    "class": ("清理的部分", "what was erased"),
    "run": ("清理批次", "run"),
    "hold": ("冻结编号", "hold"),
    "about": ("冻结对象", "held"),
    "until": ("截止日", "until"),
    "address": ("来自", "from"),
    "tied": ("已与来电人绑定", "tied to its caller"),
    "last": ("止于", "up to"),
    "factor": ("密码之外", "beside the password"),
    "limit": ("限制", "limit"),
    "way": ("登录方式", "by"),
    "issuer": ("身份认证提供方", "identity provider"),
    "ended": ("结束的登录数", "logins ended"),
    "expires_at": ("有效期至", "expires"),
    "method": ("方法", "method"),
    "route": ("地址", "address"),
    "events": ("记录数", "events"),
}
PARTS: dict[str, Bilingual] = {
    "ticket": Bilingual("工单", "the ticket"),
    "timeline": Bilingual("办理过程", "the timeline"),
    "clocks": Bilingual("时限", "the clocks"),
    "messages": Bilingual("短信", "the messages"),
    "files": Bilingual("附件列表", "the list of files"),
    "group": Bilingual("同一事项", "its group"),
    "exclusions": Bilingual("剔除申请", "its exclusions"),
    "template": Bilingual("答复模板", "a filled template"),
}


def part_name(part: str) -> Bilingual:
    """A part of a ticket in words."""
    return PARTS.get(part) or Bilingual(part, part)


def facts_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, tree: OrgTree) -> Iterator[Bilingual]:
    """What an event says, a sentence for each fact; where something changed, from what to what."""
    before, after = before or {}, after or {}
    for name in {**before, **after}:
        label = Bilingual(*_FACTS.get(name, (name, name)))
        then, now = (_value(name, facts[name], tree) if name in facts else None for facts in (before, after))
        if then is None or now is None:
            said = then or now
            assert said is not None, "the name came from one of the two"  # noqa: S101
            yield Bilingual(f"{label.zh}:{said.zh}", f"{label.en}: {said.en}")
        else:
            yield Bilingual(f"{label.zh}:{then.zh} → {now.zh}", f"{label.en}: {then.en} → {now.en}")


def _value(name: str, value: Any, tree: OrgTree) -> Bilingual:
    if isinstance(value, Mapping):
        return _listed(facts_of(None, value, tree), ";", "; ")
    if isinstance(value, list):
        return _listed((_value(name, each, tree) for each in value), "、", ", ")
    if value is None or isinstance(value, bool):
        return _PLAIN[value]
    return _word(name, str(value), tree)


_PLAIN = {None: Bilingual("无", "none"), True: Bilingual("是", "yes"), False: Bilingual("否", "no")}
_STATES = {state.value: Bilingual(*names) for state, names in STATE_NAMES.items()}
_TIERS = {code: Bilingual(*names) for code, names in TIER_NAMES.items()}
_FACTORS = {
    "nothing": Bilingual("无", "nothing"),
    "authenticator": Bilingual("动态验证码", "a code of the authenticator"),
    "recovery_code": Bilingual("备用码", "a recovery code"),
    "provider": Bilingual("身份认证方的第二要素", "one shown to the identity provider"),
}
_WAYS = {
    "password": Bilingual("密码", "a password"),
    "oidc": Bilingual("身份认证", "the identity provider"),
}
_LIMITS = {
    "login": Bilingual("同一处试同一账号", "one name from one place"),
    "login network": Bilingual("同一网络试各账号", "all names from one network"),
    "login provider": Bilingual("同一网络用身份认证登录", "the identity provider from one network"),
    "login name": Bilingual("各处试同一账号", "one name from everywhere"),
    "login code": Bilingual("动态验证码", "codes of one name"),
}
_LISTS: dict[str, Mapping[str, Bilingual]] = {
    "state": _STATES,
    "tier": _TIERS,
    "parts": PARTS,
    "factor": _FACTORS,
    "limit": _LIMITS,
    "way": _WAYS,
}


def _listed(said: Iterator[Bilingual], comma_zh: str, comma_en: str) -> Bilingual:
    words = list(said)
    if not words:
        return _PLAIN[None]
    return Bilingual(comma_zh.join(one.zh for one in words), comma_en.join(one.en for one in words))


def _word(name: str, text: str, tree: OrgTree) -> Bilingual:
    if name in {"holder", "org"} and text in tree:
        return tree.get(text).name
    if found := _LISTS.get(name, {}).get(text):
        return found
    if name.endswith("_at"):
        text = _moment(text)
    elif name == "reason":
        text = without_numbers(text)
    return Bilingual(text, text)


def _moment(text: str) -> str:
    try:
        return f"{local(datetime.fromisoformat(text)):%Y-%m-%d %H:%M}"
    except ValueError:
        return text
