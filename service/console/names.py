"""Names for people of the user names that timelines and reports keep."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from service.core.unit import Unit
from service.identity.models import Person


def display_names(unit: Unit, usernames: Iterable[str]) -> Mapping[str, str]:
    """The display name of each user name that somebody has. One statement."""
    wanted = sorted(set(usernames))
    statement = select(Person.username, Person.display_name).where(Person.username.in_(wanted))
    return {row.username: row.display_name for row in unit.session.execute(statement)}
