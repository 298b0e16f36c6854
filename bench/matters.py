"""Matters as workers tell them, made up: Chinese texts for loading a hundred thousand tickets at once.

Frequent words are as frequent as in a real hotline (工资 in a third of all), names and places are drawn from long
tails, and a few rare words stand in a handful of tickets only.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# What a matter is about, with the category it is filed under and how often it comes up.
_SUBJECTS: tuple[tuple[str, str, int], ...] = (
    ("拖欠工资", "0101", 18), ("农民工工资没有结清", "0102", 14), ("加班费", "0103", 8), ("克扣工资", "0104", 6),
    ("最低工资标准", "0105", 2), ("高原津贴", "0106", 2), ("经济补偿金", "0107", 8), ("年终奖金", "0108", 2),
    ("未签劳动合同", "0201", 9), ("违法解除劳动合同", "0202", 7), ("调岗降薪", "0203", 4), ("确认劳动关系", "0204", 3),
    ("社会保险断缴", "0301", 8), ("养老保险待遇", "0303", 3), ("医疗保险报销", "0304", 3), ("住房公积金", "0307", 2),
    ("工伤认定", "0401", 7), ("劳动能力鉴定", "0402", 2), ("尘肺病诊断", "0404", 1), ("困难职工帮扶", "0501", 3),
)  # fmt: skip
# fmt: off
_TRADES = ("建筑", "矿业", "盐湖化工", "运输", "餐饮", "物业", "保安", "商贸", "光伏", "农牧",
           "酒店", "环卫", "快递", "装饰")
_FORMS = ("有限公司", "有限责任公司", "劳务公司", "项目部", "分公司", "合作社", "经营部")
_JOBS = ("钢筋工", "木工", "司机", "服务员", "保洁员", "保安", "焊工", "会计", "骑手",
         "护工", "装卸工", "电工", "瓦工", "厨师")
_SIGHS = (
    "多次讨要未果", "单位负责人推脱不见", "电话一直打不通", "说等甲方付款再发", "家里老人住院急需用钱",
    "希望工会出面协调", "已经向劳动监察反映过", "不知道该找哪个部门", "担心被打击报复", "春节前想拿到钱",
    "手里有考勤表和聊天记录", "没有书面合同", "包工头已经失联", "工友们情绪激动", "宿舍条件很差", "孩子快要开学了",
)  # fmt: skip
# fmt: on
_ANSWERS = (
    "经核实情况属实,已约谈用人单位负责人",
    "双方达成调解协议,分两期支付",
    "已引导职工申请劳动仲裁",
    "已移送劳动监察大队处理",
    "用人单位承诺月底前足额发放",
    "为职工申请了法律援助",
    "已电话告知职工办理结果,职工表示认可",
    "向单位发出提示函",
)  # fmt: skip
# fmt: off
_NOTES = ("已电话联系职工核实", "与用人单位约定下周面谈", "职工补充了工资条照片",
          "请加快办理并及时反馈", "现场走访了工地", "职工再次来电询问进展")
# fmt: on
_SURNAMES = "马李王张韩冶祁赵刘陈杨才旦扎西多杰索南拉毛卓玛星"
# Characters that names, villages and projects are made of: their pairs are the long tail of the words.
_TAIL = (
    "海山河川湖林森峰岩泉溪源清明亮辉煌盛昌隆兴旺发达祥瑞福禄寿康宁安泰和顺平正方圆通途远志高飞鹏程宏伟业建国"
    "民生德才学文武忠孝义信诚实华夏江浙沪杭苏皖赣湘鄂渝蜀滇黔桂琼闽粤港澳台鲁豫晋冀京津辽吉黑蒙甘宁青藏新疆"
    "东南西北中上下左右前后内外金银铜铁锡铝钾锂盐碱石油气煤电水火风光热云雨雪霜雷冰晶玉翠珠宝珍"
)
RARE = ("氡气", "雇佣童工", "塌方", "唐古拉", "氰化钠")
_RARE_EACH = 8


@dataclass(frozen=True, slots=True)
class Matter:
    """One made-up ticket with what was answered and noted on it."""

    serial: int
    title: str
    body: str
    category: str
    employer: str
    place: str
    holder: str
    state: str
    tier: str
    kind: str
    channel: str
    urgent: bool
    anonymous: bool
    people: int
    amount: int | None
    received_at: datetime
    reply: str | None
    notes: tuple[str, ...]


def matters(count: int, unions: Sequence[str], now: datetime) -> Iterator[Matter]:
    """The same matters for the same count and unions, received over the three years before `now`, oldest first."""
    chance = random.Random(count)
    subjects = [subject for subject in _SUBJECTS for _ in range(subject[2])]
    employers = [_name(chance, 2) + chance.choice(_TRADES) + chance.choice(_FORMS) for _ in range(max(20, count // 12))]
    rare = {chance.randrange(count): word for word in RARE for _ in range(_RARE_EACH)}
    states = random.Random(count).choices(
        ("closed", "in_progress", "to_sign", "answered", "to_callback", "terminated"), (60, 20, 5, 10, 4, 1), k=count
    )
    for serial in range(count):
        subject, category, _ = chance.choice(subjects)
        employer, union = chance.choice(employers), chance.choice(unions)
        people = 1 if chance.random() < 0.8 else chance.randint(2, 40)
        sighs = chance.sample(_SIGHS, chance.randint(2, 5))
        body = (
            f"{chance.choice(_SURNAMES)}师傅来电反映:{chance.randint(2021, 2026)}年{chance.randint(1, 12)}月起在"
            f"{_name(chance, 2)}{chance.choice('镇乡村')}{_name(chance, 2)}"
            f"{chance.choice(('项目', '工地', '厂区', '门店'))}"
            f"给{employer}当{chance.choice(_JOBS)},{subject},涉及{people}人,"
            f"共{chance.randint(1, 90) * 1000}元。{'，'.join(sighs)}。联系人{_name(chance, 3)},"
            f"介绍人{_name(chance, 3)}。{rare.get(serial, '')}"
        )
        state = states[serial]
        answered = state in {"closed", "answered", "to_callback"}
        yield Matter(
            serial=serial,
            title=f"{_name(chance, 2)}{chance.choice(_TRADES)}{chance.choice(_JOBS)}反映{subject}",
            body=body,
            category=category,
            employer=employer,
            place=union,
            holder="630000" if state == "answered" else union,
            state=state,
            tier=chance.choice(("ordinary", "difficult", "difficult", "complex")),
            kind=chance.choice(("complaint", "complaint", "consultation", "help")),
            channel=chance.choice(("phone", "phone", "phone", "web", "mini_program", "visit", "transfer_12345")),
            urgent=chance.random() < 0.05,
            anonymous=chance.random() < 0.05,
            people=people,
            amount=chance.randint(1, 90) * 1000 if chance.random() < 0.6 else None,
            received_at=now - timedelta(days=1095) * (1 - serial / count),
            reply=f"{'。'.join(chance.sample(_ANSWERS, 2))}。{_name(chance, 2)}负责跟进。" if answered else None,
            notes=tuple(chance.sample(_NOTES, chance.randint(0, 3))),
        )


def _name(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(_TAIL, k=length))
