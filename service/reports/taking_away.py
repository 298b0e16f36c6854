"""A report that leaves as a file says who took it, when and how many rows; so does the audit."""

from service.audit.recording import record
from service.core.clock import local
from service.core.unit import Unit

# Names and values, for the foot of a table or a sheet of its own.
Facts = tuple[tuple[str, str], ...]


def take_away(unit: Unit, file: str, *, rows: int) -> Facts:
    """Put on record that the actor takes a report away under this name, and answer what the file says of that."""
    record(unit, "report:export", subject=file, after={"rows": rows})
    return (
        ("导出人", f"{unit.actor.name} {unit.actor.org_code}"),
        ("导出时间 (+08:00)", f"{local(unit.now):%Y-%m-%d %H:%M}"),
        ("流水", unit.correlation_id),
        ("条数", f"{rows}"),
    )
