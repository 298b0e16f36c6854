"""`hotline report`: the figures, as the screen and the API give them."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from service.commands.frame import AsJson, application, complain, group, say_json, say_table

FORMATS = ("json", "csv", "xlsx")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    report = group("报告 / reports")
    report.callback()(_only_groups)
    report.command("breaches")(breaches)
    report.command("suggestions")(suggestions)
    report.command("outcomes")(outcomes)
    app.add_typer(report, name="report")


def _only_groups() -> None:
    """报告 / reports"""


def breaches(
    start: Annotated[str, typer.Option("--from", help="起始日 / first day, 2026-01-01")],
    end: Annotated[str, typer.Option("--to", help="结束日,不含 / the day after the last")],
    org: Annotated[str, typer.Option(help="工会代码,默认全省 / union, the province by default")] = "",
    form: Annotated[str, typer.Option("--format", help=" | ".join(FORMATS))] = "json",
    out: Annotated[Path | None, typer.Option(help="文件,默认标准输出 / file, standard output by default")] = None,
) -> None:
    """逾期报告:区间内到期而未按时办毕的全部时限。/ Every promise due in the period that was broken."""
    import json

    from service.core.unit import PROVINCE_CODE
    from service.reports.breaches import BreachQuery, breach_report
    from service.reports.taking_away import Facts, take_away

    if form not in FORMATS:
        raise typer.BadParameter(f"{form}: {' | '.join(FORMATS)}", param_hint="--format")
    query = BreachQuery(start=day_of(start, "--from"), end=day_of(end, "--to"), org=org or PROVINCE_CODE)
    taken: Facts = ()
    with application() as parts, parts.unit() as unit:
        report = breach_report(unit, query)
        if form != "json":
            taken = take_away(unit, f"breaches.{form}", rows=len(report.rows))
    if form == "json":
        content = (json.dumps(report.to_document(), ensure_ascii=False, indent=2) + "\n").encode()
    else:
        from service.reports.export import to_csv, to_xlsx

        content = to_csv(report, taken) if form == "csv" else to_xlsx(report, taken)
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    draft = out.with_name(f".{out.name}.part")
    try:
        draft.write_bytes(content)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    complain(f"{len(report.rows)} 条 / rows: {out}")


def outcomes(
    start: Annotated[str, typer.Option("--from", help="起始日 / first day, 2026-01-01")],
    end: Annotated[str, typer.Option("--to", help="结束日,不含 / the day after the last")],
    org: Annotated[str, typer.Option(help="工会代码,默认全省 / union, the province by default")] = "",
    form: Annotated[str, typer.Option("--format", help="json | csv")] = "json",
) -> None:
    """处理结果台账:追回金额、帮助人数及其证明。/ What was recovered, who was helped, and what proves it."""
    from service.core.unit import PROVINCE_CODE
    from service.reports.outcomes import OutcomeQuery, outcome_ledger, to_csv
    from service.reports.taking_away import Facts, take_away

    if form not in ("json", "csv"):
        raise typer.BadParameter(f"{form}: json | csv", param_hint="--format")
    query = OutcomeQuery(start=day_of(start, "--from"), end=day_of(end, "--to"), org=org or PROVINCE_CODE)
    taken: Facts = ()
    with application() as parts, parts.unit() as unit:
        ledger = outcome_ledger(unit, query)
        if form == "csv":
            taken = take_away(unit, "outcomes.csv", rows=len(ledger.rows))
    if form == "json":
        say_json(ledger.to_document())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(to_csv(ledger, taken))
    sys.stdout.buffer.flush()


def suggestions(
    start: Annotated[str, typer.Option("--from", help="起始日 / first day, 2026-01-01")],
    end: Annotated[str, typer.Option("--to", help="结束日,不含 / the day after the last")],
    as_json: AsJson = False,
) -> None:
    """登记建议的采纳率和正确率,按月。/ How the suggestions of intake fared, by month."""
    from service.reports.suggestions import DEFINITION, SuggestionQuery, suggestion_figures

    query = SuggestionQuery(start=day_of(start, "--from"), end=day_of(end, "--to"))
    with application() as parts, parts.reading() as unit:
        figures = suggestion_figures(unit, query)
    if as_json:
        say_json({"definition": DEFINITION, "items": [figure.to_document() for figure in figures]})
        return
    names = {"tier": "难易分级 / tier", "union": "承办工会 / union"}
    say_table(
        ("建议 / of", "月份 / month", "给出 / made", "采纳 / taken", "更正 / corrected", "正确 / right"),
        [
            (
                names[figure.kind],
                figure.month,
                str(figure.suggested),
                f"{figure.accepted} ({figure.accepted / figure.suggested:.1%})",
                str(figure.corrected),
                f"{figure.right} ({figure.right / figure.suggested:.1%})",
            )
            for figure in figures
        ],
    )


def day_of(text: str, option: str) -> date:
    """A local day as it was typed for `option`."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text} (2026-01-31)", param_hint=option) from None
