"""What the rules refuse, each refusal with a stable code and a sentence in Chinese and in English."""

from __future__ import annotations

from typing import ClassVar


class RuleError(ValueError):
    """A rule was asked something it can't answer.

    `code` is stable and meant for programs, `zh` and `en` are sentences for people.
    """

    code: ClassVar[str] = "rule_error"

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


class NaiveTime(RuleError):
    """The time carries no offset, so it doesn't name an instant."""

    code = "naive_time"


class DateExpected(RuleError):
    """A datetime was given where a local calendar date is meant."""

    code = "date_expected"


class OutsideCalendar(RuleError):
    """The day lies before the first or beyond the last day the calendar can speak of."""

    code = "outside_calendar"


class CalendarInvalid(RuleError):
    """The calendar's own data contradict themselves."""

    code = "calendar_invalid"


class NoticeInvalid(CalendarInvalid):
    """A year's notice contains an entry that can't be true."""

    code = "notice_invalid"


class WindowInvalid(CalendarInvalid):
    """Office hours are empty, overlapping, out of order or not a time of day."""

    code = "window_invalid"


class PromiseInvalid(RuleError):
    """The promise has an unknown unit or an amount that promises nothing."""

    code = "promise_invalid"


class PausesInvalid(RuleError):
    """Pauses overlap, or one ends before it starts."""

    code = "pauses_invalid"


class OpenPauseNeedsAsOf(RuleError):
    """A pause is still open and nobody said up to when it should be counted."""

    code = "open_pause_needs_as_of"


class ClockStepRefused(RuleError):
    """The clock can't take this step from the state it is in."""

    code = "clock_step_refused"


class PolicyInvalid(RuleError):
    """The policy file contains a value that can't be used."""

    code = "policy_invalid"


class LadderInvalid(PolicyInvalid):
    """A rung has no name of its own, an unknown place, audience or effect."""

    code = "ladder_invalid"


class TierRequired(RuleError):
    """The promise depends on the tier and none was given."""

    code = "tier_required"
