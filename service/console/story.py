"""The timeline of a ticket as a story that can be read aloud: who did what, with the facts in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.console.when import shown_day, shown_deadline
from service.console.words import word
from service.core.errors import Bilingual
from service.org.tree import OrgTree
from service.tickets.confidentiality import Confidentiality
from service.tickets.views import TimelineEntry
from service.tickets.warning import CAUSE_NAMES


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One event. `look` is step, escalation, rating or aside; `who` is None for the service itself."""

    at: datetime
    who: str | None
    union: Bilingual | None
    title: Bilingual
    facts: tuple[Bilingual, ...]
    note: str
    look: str
    cycle: int


_LOOKS = {
    "escalation:fired": "escalation",
    "rating:recorded": "rating",
    "ticket:noted": "aside",
    "ticket:supervised": "escalation",
    "ticket:warned": "escalation",
    "ticket:urged": "escalation",
    "caller:revealed": "aside",
    "attachment:added": "aside",
    "attachment:withdrawn": "aside",
}

# Reasons come from different closed lists.
_REASON_LISTS = {
    "ticket:rejection_asked": "rejection",
    "ticket:rejected": "rejection",
    "ticket:suspension_asked": "suspension",
    "ticket:suspended": "suspension",
    "ticket:redo_by_rating": "dissatisfaction",
}


def story_of(entries: Iterable[TimelineEntry], tree: OrgTree, names: Mapping[str, str]) -> tuple[StoryLine, ...]:
    """The lines in the order of the events, with people under their `names`."""
    return tuple(_line(entry, tree, names) for entry in entries)


def people_in(entries: Iterable[TimelineEntry]) -> set[str]:
    """The user names of everybody who acts in a timeline, was told, or was given the ticket."""
    return {
        name
        for entry in entries
        for name in (entry.actor, *entry.data.get("told", ()), *([entry.data["person"]] if _is_given(entry) else ()))
    }


def _is_given(entry: TimelineEntry) -> bool:
    return entry.kind == "ticket:assigned"


def _line(entry: TimelineEntry, tree: OrgTree, names: Mapping[str, str]) -> StoryLine:
    return StoryLine(
        at=entry.at,
        who=None if entry.actor == "system" else names.get(entry.actor, entry.actor),
        union=_union(tree, entry.actor_org) if entry.actor_org in tree and entry.actor != "system" else None,
        title=entry.name,
        facts=tuple(_facts(entry, tree, names)),
        note=entry.note,
        look=_LOOKS.get(entry.kind, "step"),
        cycle=entry.cycle,
    )


def _facts(entry: TimelineEntry, tree: OrgTree, names: Mapping[str, str]) -> Iterable[Bilingual]:
    if entry.kind == "escalation:fired":
        yield from _escalation(entry.data, names)
    elif entry.kind == "rating:recorded":
        yield from _rating(entry.data)
    elif entry.kind == "ticket:warned":
        yield from _warning(entry.data, names)
    else:
        if _is_given(entry):
            person = names.get(entry.data["person"], entry.data["person"])
            yield Bilingual(f"承办人:{person}", f"handler: {person}")
        for name, say in _SAID.items():
            if name in entry.data:
                fact = say(entry, entry.data[name], tree)
                if fact is not None:
                    yield fact


def _escalation(data: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[Bilingual]:
    yield _pair("{}时限:{}", "{} limit: {}", word("clock", data["clock"]), word("rung", data["rung"]))
    yield _told(data, names)


def _warning(data: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[Bilingual]:
    yield CAUSE_NAMES[data["cause"]]
    for name, (zh, en) in _WARNED.items():
        if name in data:
            yield Bilingual(zh.format(**data), en.format(**data))
    if numbers := data.get("tickets"):
        yield Bilingual(f"工单 {'、'.join(numbers)}", f"tickets {', '.join(numbers)}")
    yield _told(data, names)


_WARNED = {
    "times": ("第 {times} 次催办", "urged {times} times"),
    "satisfaction": ("满意度 {satisfaction} 分", "satisfaction {satisfaction}"),
    "people": ("共涉及 {people} 人", "{people} people"),
    "count": ("{days} 日内 {count} 件", "{count} within {days} days"),
}


def _linked(entry: TimelineEntry, number: str) -> Bilingual:
    kind = word("link", entry.data["kind"]) if "kind" in entry.data else Bilingual("工单", "ticket")
    return Bilingual(f"{kind.zh} {number}", f"{kind.en}: {number}")


def _told(data: Mapping[str, Any], names: Mapping[str, str]) -> Bilingual:
    told = [names.get(username, username) for username in data["told"]]
    if told:
        return Bilingual(f"已通知:{'、'.join(told)}", f"told: {', '.join(told)}")
    return Bilingual("无人可通知", "there was nobody to tell")


def _rating(data: Mapping[str, Any]) -> Iterable[Bilingual]:
    yield (
        Bilingual("职工通过链接评价", "by the worker's link")
        if data["way"] == "link"
        else Bilingual("电话回访评价", "on the phone")
    )
    if data["result"] != "answered":
        yield word("callback", data["result"])
        return
    contacted, resolved = _yes_no(data["contacted"]), _yes_no(data["resolved"])
    yield _pair("是否联系:{}", "contacted: {}", contacted)
    yield _pair("是否解决:{}", "resolved: {}", resolved)
    yield _pair("满意度:{}", "satisfaction: {}", word("satisfaction", data["satisfaction"]))
    if data["reason"]:
        yield _pair("原因:{}", "reason: {}", word("dissatisfaction", data["reason"]))


Say = Callable[[TimelineEntry, Any, OrgTree], Bilingual | None]


def _reason(entry: TimelineEntry, value: Any, _: OrgTree) -> Bilingual | None:
    if entry.kind not in _REASON_LISTS:
        return None
    return _pair("理由:{}", "reason: {}", word(_REASON_LISTS[entry.kind], value))


def _unions(_: TimelineEntry, codes: Any, tree: OrgTree) -> Bilingual | None:
    names = [_union(tree, code) for code in codes]
    if not names:
        return None
    return Bilingual(
        "协办:" + "、".join(name.zh for name in names), "assisting: " + ", ".join(name.en for name in names)
    )


def _imported_from(entry: TimelineEntry) -> Bilingual:
    file, line = entry.data["file"], entry.data["line"]
    return Bilingual(f"来自文件 {file} 第 {line} 行", f"from the file {file}, line {line}")


def _kept(columns: Mapping[str, str]) -> Bilingual | None:
    said = [f"{name} {value}" for name, value in columns.items() if value]
    return Bilingual(";".join(said), "; ".join(said)) if said else None


def _due(_: TimelineEntry, value: Any, __: OrgTree) -> Bilingual:
    at = datetime.fromisoformat(value)
    return Bilingual(f"期限:{shown_deadline(at, 'zh')}", f"due: {shown_deadline(at, 'en')}")


def _answer_by(value: str) -> Bilingual:
    at = datetime.fromisoformat(value)
    return Bilingual(f"答复期限:{shown_deadline(at, 'zh')}", f"answer by {shown_deadline(at, 'en')}")


def _still_open(codes: Iterable[str], tree: OrgTree) -> Bilingual:
    names = [_union(tree, code) for code in codes]
    return Bilingual(
        "协办尚未答复:" + "、".join(name.zh for name in names),
        "has not answered its task: " + ", ".join(name.en for name in names),
    )


def _until(day: str) -> Bilingual:
    until = date.fromisoformat(day)
    return Bilingual(f"{shown_day(until, 'zh')}前", f"by {shown_day(until, 'en')}")


def _pieces(pieces: Iterable[str]) -> Bilingual:
    return Bilingual("、".join(pieces), ", ".join(pieces))


def _away(until: str, deputy: str) -> Bilingual:
    if not deputy:
        return Bilingual(f"请假至 {until}", f"away until {until}")
    return Bilingual(f"请假至 {until},由 {deputy} 代理", f"away until {until}, {deputy} stands in")


def _moved(entry: TimelineEntry) -> Bilingual:
    before, after = (datetime.fromisoformat(entry.data[name]) for name in ("due_before", "due_after"))
    clock = word("clock", entry.data["clock"])
    if entry.data["kept"]:
        return Bilingual(f"{clock.zh}期限不提前", f"{clock.en}: the deadline told stands")
    if before == after and entry.data["provisional_after"]:
        return Bilingual(f"{clock.zh}期限不变,改为暂定", f"{clock.en}: unchanged, now provisional")
    if before == after:
        return Bilingual(f"{clock.zh}期限不变,已确定", f"{clock.en}: unchanged, now certain")
    return Bilingual(
        f"{clock.zh}期限由 {shown_deadline(before, 'zh')} 改为 {shown_deadline(after, 'zh')}",
        f"{clock.en}: from {shown_deadline(before, 'en')} to {shown_deadline(after, 'en')}",
    )


# What an event's data says, in the order in which it is told.
_SAID: dict[str, Say] = {
    "channel": lambda _, value, __: _pair("来源:{}", "by {}", word("channel", value)),
    "org": lambda _, value, tree: _pair("主办:{}", "lead: {}", _union(tree, value)),
    "by": lambda _, value, tree: _pair("退回单位:{}", "returned by {}", _union(tree, value)),
    "assisting": _unions,
    "task_of": lambda _, value, tree: _pair("协办:{}", "assisting: {}", _union(tree, value)),
    "tasks_open": lambda _, value, tree: _still_open(value, tree),
    "to": lambda entry, value, __: _linked(entry, value),
    "about": lambda _, value, __: _pair("剔除内容:{}", "about: {}", word("excludable", value)),
    "round": lambda _, value, __: Bilingual(f"第 {value} 轮办理", f"round {value}"),
    "absent_until": lambda entry, value, _: _away(value, entry.data["deputy"]),
    "adjudicated": lambda _, value, __: Bilingual("裁定派单", "adjudicated") if value else None,
    "reason": _reason,
    "way": lambda _, value, __: _pair("方式:{}", "by {}", word("way", value)),
    "outcome": lambda _, value, __: _pair("处理结果:{}", "outcome: {}", word("outcome", value)),
    "result": lambda _, value, __: _pair("结果:{}", "result: {}", word("callback", value)) if value != "link" else None,
    "days": lambda _, value, __: Bilingual(f"{value} 个工作日", f"{value} working days"),
    "tier": lambda _, value, __: _pair("难易分级:{}", "tier: {}", word("tier", value)),
    "confidentiality": lambda _, value, __: _pair("保密级别:{}", "now {}", Confidentiality(value).words),
    "cycle": lambda _, value, __: Bilingual(f"第 {value} 轮办理", f"round {value}"),
    "foreign_number": lambda _, value, __: Bilingual(f"原编号:{value}", f"number there: {value}"),
    "import_run": lambda entry, _, __: _imported_from(entry),
    # A recount says under the same name whether it kept a deadline, which its own line tells.
    "kept": lambda _, value, __: _kept(value) if isinstance(value, Mapping) else None,
    "answer_by": lambda _, value, __: _answer_by(value),
    "late": lambda _, value, __: Bilingual("逾期答复", "late") if value else None,
    "due_on": lambda _, value, __: _until(value),
    "pieces": lambda _, value, __: _pieces(value),
    "due_at": _due,
    "due_after": lambda entry, _, __: _moved(entry),
}


def _pair(zh: str, en: str, *phrases: Bilingual) -> Bilingual:
    return Bilingual(zh.format(*(p.zh for p in phrases)), en.format(*(p.en for p in phrases)))


def _union(tree: OrgTree, code: str) -> Bilingual:
    return Bilingual(tree.get(code).name_zh, tree.get(code).name_en)


def _yes_no(value: Any) -> Bilingual:
    return Bilingual("是", "yes") if value else Bilingual("否", "no")
