"""How often each person looks at callers in clear, and when that is more than their work explains.

A reveal is somebody's decision, on record with its reason. A hundred of them in a day is a copy of the book: nobody has
to read the record to be told.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.clock import local
from service.core.db import Base
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person
from service.notifications.audience import administrators, resolve_audience
from service.notifications.telling import tell

# Whose usual is known: somebody who looked on so many days of the last thirty.
_KNOWN_AFTER = 5
_REMEMBERED = timedelta(days=30)
# Three times the usual, and never because of a handful.
_TIMES_USUAL, _LEAST = 3, 10


class RevealTally(Base):
    """How many callers a person looked at on a local day. `told_at`: others were told that it was unusual."""

    __tablename__ = "reveal_tally"
    __table_args__ = (CheckConstraint("reveals >= 1", name="reveals"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    reveals: Mapped[int]
    told_at: Mapped[datetime | None]


def count_reveal(unit: Unit, *, times: int = 1) -> None:
    """Count that the actor looks at a caller, or at so many of them. One statement."""
    if unit.actor.id is None:
        return
    one = insert(RevealTally).values(person_id=unit.actor.id, day=local(unit.now).date(), reveals=times)
    unit.session.execute(
        one.on_conflict_do_update(
            index_elements=["person_id", "day"], set_={"reveals": RevealTally.reveals + one.excluded.reveals}
        )
    )


def tell_of_unusual_reveals(unit: Unit, *, ceiling: int) -> int:
    """Tell the administrators and the centre's supervisors, once a day for each person, of whoever looked at more
    callers today than `ceiling`, or than three times as many as on their usual day. Returns of how many."""
    today = local(unit.now).date()
    rows = unit.session.execute(
        select(RevealTally, Person)
        .join(Person, Person.id == RevealTally.person_id)
        .where(RevealTally.day == today, RevealTally.told_at.is_(None), RevealTally.reveals > min(_LEAST, ceiling))
        .order_by(RevealTally.person_id)
        .with_for_update(of=RevealTally)
    ).all()
    told = 0
    for tally, person in rows:
        most = _most(unit, person.id, today, ceiling)
        if tally.reveals <= most:
            continue
        tally.told_at = unit.now
        facts = {"day": f"{today}", "reveals": tally.reveals, "most": most}
        record(unit, "caller:reveal-unusual", subject=person.username, after=facts)
        targets = [*administrators(unit), *resolve_audience(unit, ("supervisor",), org_code=PROVINCE_CODE)]
        tell(
            unit,
            [target for target in targets if target.person_id != person.id],
            Bilingual(
                f"{person.display_name}({person.username})今日已查看来电人信息 {tally.reveals} 次,高于其通常水平或上限"
                f"({most} 次),请核实。",
                f"{person.display_name} ({person.username}) has looked at {tally.reveals} callers today, above "
                f"their usual or the ceiling ({most}); please find out why.",
            ),
            key=f"reveals:{person.id}:{today}",
            urgent=True,
        )
        told += 1
    return told


def _most(unit: Unit, person_id: int, today: date, ceiling: int) -> int:
    """How many reveals a day explain themselves: the ceiling, or what is usual for somebody whose usual is known."""
    days, usual = unit.session.execute(
        select(func.count(), func.avg(RevealTally.reveals)).where(
            RevealTally.person_id == person_id, RevealTally.day < today, RevealTally.day >= today - _REMEMBERED
        )
    ).one()
    return ceiling if days < _KNOWN_AFTER else min(ceiling, max(_LEAST, round(_TIMES_USUAL * usual)))
