"""Deadlines per second beside well-known libraries, on the same starts in one run.

    python -m venv /tmp/peers
    /tmp/peers/bin/pip install numpy holidays chinesecalendar workalendar businesstimedelta
    /tmp/peers/bin/python -m bench.deadlines [--seconds 0.4] [--rounds 5]

The rules need the standard library alone, so the environment may hold the peers and nothing else; a peer that is not
installed is left out. Prints rates and ratios of single calls and of batches, the share of answers that agree with
ours, and where and why the others differ. Every contestant is given its calendar built and its starts in the type it
likes best; contestants take turns, so that a slow minute of the machine hits all of them.
"""

import argparse
import importlib
import importlib.metadata
import random
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock
from typing import Any

from sla_rules import Promise, WorkCalendar, deadline, deadlines, load_calendar

SHANGHAI = timezone(timedelta(hours=8))
ONE_DAY = timedelta(days=1)
FIVE_DAYS = Promise("working_days", 5)
SIXTEEN_HOURS = Promise("working_minutes", 16 * 60)
WINDOWS = ((8 * 60 + 30, 12 * 60), (14 * 60 + 30, 18 * 60))
OPEN_MINUTES = sum(end - start for start, end in WINDOWS)

# The years that every peer has data for: workalendar's begin in 2018 and end in 2023.
FIRST, LAST = datetime(2018, 1, 2, tzinfo=SHANGHAI), datetime(2023, 11, 30, tzinfo=SHANGHAI)
PEERS = ("holidays", "chinesecalendar", "workalendar", "businesstimedelta", "numpy")
_MODULES = {"chinesecalendar": "chinese_calendar", "workalendar": "workalendar.asia"}
_SLICE_SECONDS = 0.002
_EXAMPLES = 2

Answer = date | datetime
Works = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to the answers.

    ask: the answer to one start. starts: in the type it takes. works: whether it takes a day for a working day.
    pure: written in Python, rather than in C.
    """

    name: str
    ask: Callable[[Any], Answer]
    starts: Sequence[Any]
    works: Works
    pure: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """One way to all the answers at once."""

    name: str
    ask: Callable[[], object]


def installed(name: str) -> Any:
    """The peer's module, None where it is not installed."""
    try:
        return importlib.import_module(_MODULES.get(name, name))
    except ImportError:
        return None


def random_starts(count: int) -> list[datetime]:
    """Minutes of 2018 to 2023, at any hour of any day, the same in every run."""
    rng = random.Random(12351)
    minutes = (LAST - FIRST) // timedelta(minutes=1)
    return [(FIRST + timedelta(minutes=rng.randrange(minutes))).astimezone(UTC) for _ in range(count)]


# Ways to the sums ------------------------------------------------------------------------------------------


def walk_days(works: Works, day: date) -> date:
    """The fifth working day after `day`, by asking day after day."""
    left = FIVE_DAYS.amount
    while left:
        day += ONE_DAY
        if works(day):
            left -= 1
    return day


def walk_hours(works: Works, start: datetime) -> datetime:
    """The end of sixteen working hours, by asking day after day; naive local times."""
    day, minute, left = start.date(), start.hour * 60 + start.minute, SIXTEEN_HOURS.amount
    while True:
        if works(day):
            for opening, closing in WINDOWS:
                begin = max(opening, minute)
                if closing - begin >= left:
                    return datetime.combine(day, clock()) + timedelta(minutes=begin + left)
                left -= max(0, closing - begin)
        day += ONE_DAY
        minute = 0


def numpy_hours(numpy: Any, starts: Any, days: Any) -> Any:
    """Sixteen working hours over numpy's business days, on an array of local minutes."""
    first = starts.astype("datetime64[D]")
    minute = (starts - first).astype("int64")
    (morning, noon), (afternoon, evening) = WINDOWS
    used = numpy.clip(minute - morning, 0, noon - morning) + numpy.clip(minute - afternoon, 0, evening - afternoon)
    target = numpy.where(numpy.is_busday(first, busdaycal=days), used, 0) + SIXTEEN_HOURS.amount
    whole = (target - 1) // OPEN_MINUTES
    rest = target - whole * OPEN_MINUTES
    last = numpy.busday_offset(first, whole, roll="forward", busdaycal=days)
    minute = numpy.where(rest <= noon - morning, morning + rest, afternoon - (noon - morning) + rest)
    return last.astype("datetime64[m]") + minute.astype("timedelta64[m]")


def busday_calendars(numpy: Any, calendar: WorkCalendar) -> dict[str, Any]:
    """numpy's calendar with the weekday holidays, as its manual shows, and with every day of rest listed."""
    days = [calendar.first_day + timedelta(days=offset) for offset in range(calendar.day_count)]
    rest = [day for day in days if not calendar.is_working_day(day)]
    return {
        "numpy, holidays": numpy.busdaycalendar(holidays=[day for day in rest if day.weekday() < 5]),
        "numpy, our rest days": numpy.busdaycalendar(weekmask="1111111", holidays=rest),
    }


def knowing(calendar: WorkCalendar) -> dict[str, Works]:
    """What the installed peers of pure Python take for a working day."""
    known: dict[str, Works] = {}
    if (holidays := installed("holidays")) is not None:
        known["holidays"] = holidays.China(years=range(calendar.first_day.year, 2026)).is_working_day
    if (chinese := installed("chinesecalendar")) is not None:
        known["chinesecalendar"] = chinese.is_workday
    if (workalendar := installed("workalendar")) is not None:
        known["workalendar"] = workalendar.China().is_working_day
    return known


def for_days(calendar: WorkCalendar, starts: list[datetime]) -> list[Contestant]:
    """Everyone who can tell five working days, ours first."""
    local = [start.astimezone(SHANGHAI).date() for start in starts]
    known = knowing(calendar)
    out = [
        Contestant(
            "sla_rules", lambda start: deadline(FIVE_DAYS, start, calendar).last_day, starts, calendar.is_working_day
        )
    ]
    if (works := known.get("holidays")) is not None:
        table = works.__self__  # type: ignore[attr-defined]
        out.append(Contestant("holidays", lambda day: table.get_nth_working_day(day, 5), local, works))
    if (works := known.get("chinesecalendar")) is not None:
        walked = works
        out.append(Contestant("chinesecalendar, walked", lambda day: walk_days(walked, day), local, works))
    if (works := known.get("workalendar")) is not None:
        china = works.__self__  # type: ignore[attr-defined]
        out.append(Contestant("workalendar", lambda day: china.add_working_days(day, 5), local, works))
    if (numpy := installed("numpy")) is not None:
        for name, days in busday_calendars(numpy, calendar).items():
            out.append(
                Contestant(
                    name,
                    lambda day, days=days: numpy.busday_offset(day, 5, roll="backward", busdaycal=days).item(),
                    local,
                    lambda day, days=days: bool(numpy.is_busday(day, busdaycal=days)),
                    pure=False,
                )
            )
    return out


def for_hours(calendar: WorkCalendar, starts: list[datetime]) -> list[Contestant]:
    """Everyone who can tell sixteen working hours, ours first."""
    local = [start.astimezone(SHANGHAI).replace(tzinfo=None) for start in starts]
    known = knowing(calendar)
    out = [
        Contestant(
            "sla_rules", lambda start: deadline(SIXTEEN_HOURS, start, calendar).due_at, starts, calendar.is_working_day
        )
    ]
    for name in ("holidays", "chinesecalendar"):
        if (works := known.get(name)) is not None:
            out.append(Contestant(f"{name}, walked", lambda start, works=works: walk_hours(works, start), local, works))
    delta, holidays = installed("businesstimedelta"), known.get("holidays")
    if delta is not None and holidays is not None:
        zone = installed("pytz").timezone("Asia/Shanghai")
        table = holidays.__self__  # type: ignore[attr-defined]
        (morning, noon), (afternoon, evening) = ((_clock(start), _clock(end)) for start, end in WINDOWS)
        rules = delta.Rules(
            [
                delta.WorkDayRule(morning, evening, tz=zone),
                delta.LunchTimeRule(noon, afternoon, tz=zone),
                delta.HolidayRule(table, tz=zone),
            ]
        )
        span = delta.BusinessTimeDelta(rules, hours=16)
        out.append(
            Contestant(
                "businesstimedelta",
                lambda start: start + span,
                starts,
                lambda day: day.weekday() < 5 and day not in table,
            )
        )
    return out


def _clock(minute: int) -> clock:
    return clock(minute // 60, minute % 60)


def batches(calendar: WorkCalendar, starts: list[datetime], promise: Promise) -> list[Batch]:
    """All the starts at once: ours, and numpy's with arrays at hand and with Python's dates in and out."""
    out = [Batch("sla_rules", lambda: deadlines(promise, starts, calendar))]
    if (numpy := installed("numpy")) is None:
        return out
    local = [start.astimezone(SHANGHAI).replace(tzinfo=None) for start in starts]
    listed: list[Any] = [start.date() for start in local] if promise.in_days else local
    kind = "datetime64[D]" if promise.in_days else "datetime64[m]"
    ready = numpy.array(listed, dtype=kind)
    for name, days in busday_calendars(numpy, calendar).items():

        def offset(array: Any, days: Any = days) -> Any:
            if promise.in_days:
                return numpy.busday_offset(array, promise.amount, roll="backward", busdaycal=days)
            return numpy_hours(numpy, array, days)

        out.append(Batch(f"{name}, arrays", lambda offset=offset: offset(ready)))
        out.append(Batch(f"{name}, lists", lambda offset=offset: offset(numpy.array(listed, dtype=kind)).tolist()))
    return out


# Measuring -------------------------------------------------------------------------------------------------


def rate(contestant: Contestant, seconds: float) -> float:
    """Answers per second of single calls, going round the starts."""
    ask, starts = contestant.ask, contestant.starts
    begun = time.perf_counter()
    for start in starts[:3]:
        ask(start)
    size = max(1, min(len(starts), int(_SLICE_SECONDS * 3 / (time.perf_counter() - begun))))
    done = position = 0
    begun = time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        for start in starts[position : position + size]:
            ask(start)
        done += min(size, len(starts) - position)
        position = position + size if position + 2 * size <= len(starts) else 0
    return done / spent


def batch_rate(batch: Batch, count: int, seconds: float) -> float:
    """Answers per second of whole batches."""
    done = 0
    begun = time.perf_counter()
    while (spent := time.perf_counter() - begun) < seconds:
        batch.ask()
        done += count
    return done / spent


def rounds_of(rates: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The rates of each by round, taking turns."""
    out: dict[str, list[float]] = {name: [] for name in rates}
    for _ in range(rounds):
        for name, measure in rates.items():
            out[name].append(measure())
    return out


def print_rates(measured: dict[str, list[float]], *, unlike_c: frozenset[str] = frozenset()) -> None:
    """Medians, and the median of the rounds' ratios of ours to each."""
    ours = measured["sla_rules"]
    for name, rates in measured.items():
        ratios = sorted(a / b for a, b in zip(ours, rates, strict=True))
        mark = " (C)" if name in unlike_c else ""
        shown = "" if name == "sla_rules" else f"  ours / it: {statistics.median(ratios):8.2f}"
        spread = "" if name == "sla_rules" else f" ({ratios[0]:.2f}-{ratios[-1]:.2f})"
        print(f"  {name + mark:32} {statistics.median(rates):12,.0f}/s{shown}{spread}")


# Agreement -------------------------------------------------------------------------------------------------


def print_agreement(contestants: list[Contestant], calendar: WorkCalendar, starts: list[datetime], most: int) -> None:
    """The share of answers that are ours, and the reasons of the others."""
    ours = contestants[0]
    expected = [_comparable(ours.ask(start)) for start in ours.starts[:most]]
    for peer in contestants[1:]:
        reasons: Counter[str] = Counter()
        examples: dict[str, list[str]] = {}
        for start, own, wanted in zip(starts, peer.starts, expected, strict=False):
            answer = _comparable(peer.ask(own))
            if answer == wanted:
                continue
            begun = start.astimezone(SHANGHAI)
            reason, day = why(peer, calendar, begun.date(), max(_day(answer), _day(wanted)))
            reasons[reason] += 1
            told = examples.setdefault(reason, [])
            if len(told) < _EXAMPLES:
                told.append(f"from {begun:%Y-%m-%d %H:%M} ours {wanted}, it {answer}{day}")
        wrong = sum(reasons.values())
        print(f"  {peer.name:32} agrees in {100 * (1 - wrong / len(expected)):.2f} % of {len(expected):,}")
        for reason, count in reasons.most_common():
            print(f"    {count:,} times {reason}")
            for example in examples[reason]:
                print(f"      {example}")


def why(peer: Contestant, calendar: WorkCalendar, first: date, last: date) -> tuple[str, str]:
    """The first day from `first` to `last` that the peer judges otherwise than the notices do."""
    day = first
    while day <= last:
        info = calendar.day(day)
        if peer.works(day) != info.working:
            reason = {
                "work": "it lets a made-up working day rest",
                "off": "it works on a day off by notice",
            }.get(info.kind, f"it takes an ordinary {info.kind} day for another")
            return reason, f": {day} {info.name}, {info.source}".rstrip(", ")
        day += ONE_DAY
    return "it judges the same days alike and counts them otherwise", ""


def _comparable(answer: Answer) -> Answer:
    if isinstance(answer, datetime) and answer.tzinfo is not None:
        return answer.astimezone(SHANGHAI).replace(tzinfo=None)
    return answer


def _day(answer: Answer) -> date:
    return answer.date() if isinstance(answer, datetime) else answer


def print_long_promises(calendar: WorkCalendar, starts: list[datetime], *, seconds: float, rounds: int) -> None:
    """Five years of days beside ten, each unit."""
    works = calendar.is_working_day
    for unit, amount in (("working_days", 1_250), ("calendar_days", 1_826), ("working_minutes", 1_190 * OPEN_MINUTES)):
        rates = {}
        for years, promise in ((5, Promise(unit, amount)), (10, Promise(unit, 2 * amount))):  # type: ignore[arg-type]
            asked = Contestant(
                f"{years} years",
                lambda start, promise=promise: deadline(promise, start, calendar).due_at,
                starts,
                works,
            )
            for start in starts:
                asked.ask(start)
            rates[asked.name] = lambda asked=asked: rate(asked, seconds)
        measured = rounds_of(rates, rounds)
        costs = [five / ten for five, ten in zip(measured["5 years"], measured["10 years"], strict=True)]
        shown = ", ".join(f"{name} {statistics.median(found):,.0f}/s" for name, found in measured.items())
        print(f"  {unit:16} {shown}; ten cost {statistics.median(costs):.2f} of five")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=100_000, help="in a batch")
    parser.add_argument("--compare", type=int, default=2_000, help="starts whose answers are compared")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="Support years")  # workalendar says at each call which years it has
    present = {name: importlib.metadata.version(name) for name in PEERS if installed(name) is not None}
    print("peers: " + (", ".join(f"{name} {version}" for name, version in present.items()) or "none"))
    missing = [name for name in PEERS if name not in present]
    if missing:
        print(f"left out; into an environment of its own: pip install {' '.join(missing)}")
    calendar = load_calendar()
    starts = random_starts(options.starts)
    print(f"{options.rounds} rounds of {options.seconds:g} s each, taking turns; {FIRST:%Y-%m-%d} to {LAST:%Y-%m-%d}")
    for title, contestants in (
        ("5 working days", for_days(calendar, starts)),
        ("16 working hours", for_hours(calendar, starts)),
    ):
        print(f"\n{title}: answers beside ours")
        print_agreement(contestants, calendar, starts, options.compare)
        print(f"{title}: single calls")
        in_c = frozenset(entry.name for entry in contestants if not entry.pure)
        rates = {entry.name: (lambda entry=entry: rate(entry, options.seconds)) for entry in contestants}
        print_rates(rounds_of(rates, options.rounds), unlike_c=in_c)
    for title, promise in (("5 working days", FIVE_DAYS), ("16 working hours", SIXTEEN_HOURS)):
        print(f"\n{title}: batches of {len(starts):,}")
        ways = batches(calendar, starts, promise)
        measured = {way.name: (lambda way=way: batch_rate(way, len(starts), options.seconds)) for way in ways}
        print_rates(rounds_of(measured, options.rounds))
    print("\nfive years and ten, single calls")
    print_long_promises(calendar, starts[: options.compare], seconds=options.seconds, rounds=options.rounds)


if __name__ == "__main__":
    main()
