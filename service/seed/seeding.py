"""What a new database needs before the first call: unions, taxonomy, rules, and for a demo its people.

Seeding twice changes nothing: every row goes in with ON CONFLICT DO NOTHING.
"""

import csv
from importlib.resources import files

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person
from service.identity.passwords import check_length, hash_password
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.org.models import OrgAlias, OrgUnit
from service.org.tree import org_tree
from service.sla.models import CalendarVersion, PolicyVersion
from service.tickets.models import Category
from sla_rules import load_calendar, load_policy

# Names under which people still ask for a union (DOMAIN: 湟中县, 同仁县, 茫崖行委 were renamed between 2018 and 2020).
ALIASES = {"湟中县": "630106", "同仁县": "632301", "茫崖行委": "632803", "大柴旦": "632857"}

CENTRE_PEOPLE: tuple[tuple[str, str, Role], ...] = (
    ("agent1", "坐席一", Role.agent),
    ("agent2", "坐席二", Role.agent),
    ("lawyer1", "律师一", Role.lawyer),
    ("dispatcher1", "派单员一", Role.dispatcher),
    ("supervisor1", "督办员一", Role.supervisor),
    ("admin1", "管理员一", Role.admin),
    ("auditor1", "审计员一", Role.auditor),
)


def seed(unit: Unit) -> None:
    """Unions, taxonomy, and the calendar and policy shipped with this release where none is active yet."""
    _seed_unions(unit)
    _seed_taxonomy(unit)
    _seed_rules(unit)


def seed_demo_people(unit: Unit, password: str) -> None:
    """The demo's people, all with one password: the centre's seven, and a handler and a leader for each union.

    Those who are there already get this password as well. Raises PasswordTooShort, PasswordTooLong.
    """
    check_length(password)
    people = [
        CreatePerson(
            username=name,
            display_name=shown,
            org_code=PROVINCE_CODE,
            roles=frozenset({role}),
            password=password,
        )
        for name, shown, role in CENTRE_PEOPLE
    ]
    for union in org_tree(unit.session):
        people += [
            CreatePerson(
                username=f"{word}-{union.code}",
                display_name=f"{union.name_zh}{title}",
                org_code=union.code,
                roles=frozenset({role}),
                password=password,
            )
            for word, title, role in (
                ("handler", "承办人", Role.handler),
                ("leader", "审核人", Role.reviewer),
            )
        ]
    known = set(unit.session.scalars(select(Person.username)))
    hashed = hash_password(password)
    for person in people:
        if person.username not in known:
            create_person(unit, person, password_hash=hashed)
    again = known & {person.username for person in people}
    unit.session.execute(update(Person).where(Person.username.in_(again)).values(password_hash=hashed))


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("service.seed") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _seed_unions(unit: Unit) -> None:
    rows = [
        {
            "code": row["code"],
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "pinyin": row["pinyin"],
            "level": row["level"],
            "parent_code": row["parent_code"] or None,
            "autonomy": row["autonomy"],
            "note": row["note"],
        }
        for row in _rows("unions.csv")
    ]
    unit.session.execute(insert(OrgUnit).values(rows).on_conflict_do_nothing())
    aliases = [{"alias": alias, "org_code": code} for alias, code in ALIASES.items()]
    unit.session.execute(insert(OrgAlias).values(aliases).on_conflict_do_nothing())


def _seed_taxonomy(unit: Unit) -> None:
    rows = [
        {
            "code": row["code"],
            "group_code": row["l1_code"],
            "group_zh": row["l1_zh"],
            "group_en": row["l1_en"],
            "name_zh": row["l2_zh"],
            "name_en": row["l2_en"],
            "suggested_tier": row["suggested_tier"] or None,
            "usual_kind": row["usual_kind_zh"],
        }
        for row in _rows("taxonomy.csv")
    ]
    unit.session.execute(insert(Category).values(rows).on_conflict_do_nothing())


def _seed_rules(unit: Unit) -> None:
    if unit.session.scalar(select(CalendarVersion.id).where(CalendarVersion.active)) is None:
        calendar = load_calendar()
        unit.session.add(
            CalendarVersion(
                version=calendar.version,
                content=calendar.to_document(),
                covered_until=calendar.covered_until,
                settled_until=calendar.settled_until,
                reason="shipped with the release",
                published_at=unit.now,
                active=True,
            )
        )
    if unit.session.scalar(select(PolicyVersion.id).where(PolicyVersion.active)) is None:
        policy = load_policy()
        unit.session.add(
            PolicyVersion(
                version=policy.version,
                content=policy.to_document(),
                reason="shipped with the release",
                published_at=unit.now,
                active=True,
            )
        )
