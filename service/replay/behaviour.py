"""How people behave in a replay where the messages do not say: a seeded model, one stream of chance per message.

The figures are assumptions, chosen so that every road of a ticket's life is walked, not measurements:

| what | share |
|---|---|
| an ordinary consultation without a reply in the file is answered at once | 0.45 |
| a message is proposed for rejection and confirmed | 0.02 |
| the centre is late with the dispatch | 0.04 |
| the union asks for a return; granted | 0.07; 0.7 of them |
| the union never signs (silence signs for it) | 0.08 |
| the first contact comes late | 0.06 |
| suspension for a legal procedure; extension asked | 0.04; 0.08 |
| a reply is in time; late by 1 to 8 working days; never comes | 0.84; 0.11; 0.05 |
| the leader sends a reply back | 0.06 |
| not reached at the first call-back; refuses to rate; never reached | 0.15; 0.03; 0.05 |
| very satisfied, satisfied, basically, not, not at all | 0.44, 0.31, 0.14, 0.07, 0.04 |
| the matter is not resolved | 0.06 |

A message with a reply in the file is dispatched, never returned or suspended, and replied to at its own time.
"""

import random
from dataclasses import dataclass

from service.org.tree import OrgTree
from service.ratings.models import HANDLER_FAULTS, OTHER_REASONS
from service.replay.messages import Message
from service.tickets.models import OUTCOMES

# First match wins: the narrow words stand before the wide ones.
KEYWORDS: tuple[tuple[str, str], ...] = (
    ("农民工", "0102"),
    ("加班", "0103"),
    ("高温", "0106"),
    ("最低工资", "0105"),
    ("年终奖", "0108"),
    ("公积金", "0307"),
    ("工伤", "0401"),
    ("职业病", "0404"),
    ("产假", "0602"),
    ("生育", "0306"),
    ("失业", "0305"),
    ("医保", "0304"),
    ("医疗保险", "0304"),
    ("养老", "0303"),
    ("退休", "0303"),
    ("社保", "0301"),
    ("五险", "0301"),
    ("劳动合同", "0201"),
    ("辞退", "0202"),
    ("裁员", "1504"),
    ("仲裁", "0802"),
    ("培训", "1802"),
    ("招聘", "1801"),
    ("就业", "1801"),
    ("双休", "0501"),
    ("年休假", "0502"),
    ("拖欠", "0101"),
    ("工资", "0101"),
    ("补贴", "1002"),
    ("建议", "2001"),
)
UNCLASSIFIED = "9901"

CONSULTATION_WORDS = ("?", "?", "请问", "咨询", "如何", "怎么")


@dataclass(frozen=True, slots=True)
class Rating:
    """What the worker will say. `reached_at_attempt` 0: never."""

    reached_at_attempt: int
    refuses: bool
    resolved: bool
    satisfaction: int
    reason: str | None
    agent_score: int
    answers_link: bool


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Everything that chance decides about one message, drawn once and in a fixed order.

    `_minutes` are working minutes after the step before; `reply_days` working days after signing, None: never.
    """

    category_code: str
    kind: str
    org_code: str
    other_org_code: str
    phone: str
    people_count: int
    answered_at_once: bool
    rejected: bool
    accept_minutes: int
    dispatch_minutes: int
    returns: bool
    return_granted: bool
    return_minutes: int
    signs: bool
    sign_minutes: int
    contact_minutes: int
    suspends: bool
    suspension_days: int
    extends: bool
    reply_days: float | None
    redo_reply_days: float
    outcome: str
    recovered: int
    review_minutes: int
    sent_back: bool
    rework_minutes: int
    callback_minutes: int
    ratings: tuple[Rating, ...]


def behaviour_of(message: Message, *, seed: int, tree: OrgTree, days_promised: dict[str, float]) -> Behaviour:
    """The behaviour for one message. The same seed and message give the same, whatever else is in the file.

    `days_promised` maps a category code to the working days its usual tier allows, to draw replies in time.
    """
    chance = random.Random(f"{seed}:{message.id}")
    # The places in the messages are pseudonyms; each user gets one union for good.
    home = random.Random(f"{seed}:{message.user}")
    below = [union.code for union in tree if union.level != "province"]
    counties = [union.code for union in tree if union.level == "county"]
    org_code = home.choice(counties if home.random() < 0.85 else below)
    other = chance.choice([code for code in counties if code != org_code])
    phone = f"139{home.randrange(10**8):08d}"
    category = next((code for word, code in KEYWORDS if word in message.title + message.body), UNCLASSIFIED)
    consultation = any(word in message.title for word in CONSULTATION_WORDS)
    has_reply = message.replied_at is not None
    promised = days_promised[category]
    reply_fate = chance.random()
    reply_days: float | None = promised * chance.uniform(0.05, 0.85)
    if reply_fate > 0.95:
        reply_days = None
    elif reply_fate > 0.84:
        reply_days = promised + chance.uniform(1, 8)
    free = not has_reply
    return Behaviour(
        category_code=category,
        kind="consultation" if consultation else "complaint",
        org_code=org_code,
        other_org_code=other,
        phone=phone,
        people_count=chance.choice((1,) * 30 + (2, 3, 5, 12, 30)),
        answered_at_once=_hit(chance, 0.45) and free and consultation and promised < 1,
        rejected=_hit(chance, 0.02) and free,
        accept_minutes=chance.randint(2, 15),
        dispatch_minutes=chance.randint(45, 120) if _hit(chance, 0.04) else chance.randint(2, 12),
        returns=_hit(chance, 0.07) and free,
        return_granted=_hit(chance, 0.7),
        return_minutes=chance.randint(20, 300),
        signs=not _hit(chance, 0.08),
        sign_minutes=chance.randint(5, 300),
        contact_minutes=chance.randint(900, 1300) if _hit(chance, 0.06) else chance.randint(10, 300),
        suspends=_hit(chance, 0.04) and free and promised >= 5,
        suspension_days=chance.randint(5, 40),
        extends=_hit(chance, 0.08) and promised >= 5,
        reply_days=reply_days,
        redo_reply_days=chance.uniform(0.3, 3.6),
        outcome=chance.choice(OUTCOMES),
        recovered=chance.randint(1, 400) * 1000 if category.startswith("01") else 0,
        review_minutes=chance.randint(10, 400),
        sent_back=_hit(chance, 0.06) and free,
        rework_minutes=chance.randint(30, 500),
        callback_minutes=chance.randint(20, 300),
        ratings=tuple(_rating(chance) for _ in range(3)),
    )


def _hit(chance: random.Random, share: float) -> bool:
    return chance.random() < share


def _rating(chance: random.Random) -> Rating:
    reach = chance.random()
    satisfaction = chance.choices((5, 4, 3, 2, 1), weights=(44, 31, 14, 7, 4))[0]
    resolved = not _hit(chance, 0.06)
    reason = None
    if satisfaction <= 2 or not resolved:
        reason = "not_resolved" if not resolved else chance.choice(HANDLER_FAULTS + OTHER_REASONS)
    return Rating(
        reached_at_attempt=0 if reach < 0.05 else 2 if reach < 0.15 else 1,
        refuses=_hit(chance, 0.03),
        resolved=resolved,
        satisfaction=satisfaction,
        reason=reason,
        agent_score=chance.choices((5, 4, 3), weights=(70, 25, 5))[0],
        answers_link=_hit(chance, 0.4),
    )
