"""What a file would put in force: a year's notice in any form, the union's own arrangement, or a policy."""

import re
from dataclasses import dataclass

from service.core.errors import Malformed
from service.sla.calendar_files import CalendarFile, decoded, read_calendar_file
from sla_rules import LocalArrangement, NoticeReading, Policy, WorkCalendar, laid_over, read_policy, with_year
from sla_rules.notice_reading import examine_year

_POLICY = re.compile(r"^[ \t]*\[\[(?:promise|ladder)\]\]", re.MULTILINE)


class SourceMissing(Malformed):
    """A published year cites where it was announced, so that every deadline can be traced to it."""

    zh = "请给出 {year} 年通知的网址或文号出处,以便每个期限都能查到依据。"
    en = "Give the address or other source of the notice of {year}, so that every deadline can be traced to it."


class YearNotInForce(Malformed):
    zh = "现行日历中没有 {year} 年,不能作为其修订;请作为新的年份载入。"
    en = "{year} is not in the calendar in force, so this cannot amend it; load it as a new year."


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A file as it was given.

    year: where the file states none, or several. source: the address the notice was published at. amends: the
    notice changes single days of a year that is in force (2015, 2019, 2020) and says nothing of the others.
    """

    raw: bytes
    name: str
    year: int | None = None
    source: str = ""
    amends: bool = False


@dataclass(frozen=True, slots=True)
class RuleProposal:
    """What the file says, and the calendar or the policy that would follow from it; the other one is None."""

    said: CalendarFile | Policy
    calendar: WorkCalendar | None = None
    policy: Policy | None = None


def read_rule_file(calendar: WorkCalendar, file: RuleFile) -> CalendarFile | Policy:
    """What the file says beside the calendar in force, doubts and all.

    Raises as `read_calendar_file` does, PolicyInvalid, YearNotInForce.
    """
    text = decoded(file.raw, file.name)
    if _POLICY.search(text):
        return read_policy(text, origin=file.name)
    amended = None
    if file.amends:
        amended = next((year for year in calendar.years if year.year == file.year), None)
        if amended is None:
            raise YearNotInForce(year=file.year or "?")
    return read_calendar_file(
        file.raw, name=file.name, year=file.year, amends=examine_year(amended) if amended else None
    )


def rule_proposal(calendar: WorkCalendar, file: RuleFile) -> RuleProposal:
    """The policy in the file, or the calendar that the file makes of the one in force.

    Raises what `read_rule_file` raises, NoticeUnreadable quoting what is in doubt, SourceMissing, CalendarInvalid.
    """
    said = read_rule_file(calendar, file)
    if isinstance(said, Policy):
        return RuleProposal(said, policy=said)
    if isinstance(said, LocalArrangement):
        return RuleProposal(said, calendar=laid_over(calendar, said))
    return RuleProposal(said, calendar=with_year(calendar, said.to_year(*_addresses(said, file.source))))


def _addresses(said: NoticeReading, source: str) -> list[str]:
    addresses = [notice.url or source for notice in said.sources]
    if not said.doubts and not all(addresses):
        raise SourceMissing(year=said.year)
    return addresses
