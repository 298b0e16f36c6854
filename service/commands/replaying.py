"""`hotline replay`: real messages through the whole house on a simulated clock."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay_command)


def replay_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="来件 CSV / messages as CSV")],
    speed: Annotated[str, typer.Option(help="倍速,或 max / times real time, or max")] = "max",
    seed: Annotated[int, typer.Option(help="随机种子 / seed of the model")] = 1,
    data: Annotated[
        Path | None, typer.Option(help="数据目录,默认用后即删 / data folder; by default one that is thrown away")
    ] = None,
    out: Annotated[Path, typer.Option(help="报告目录 / folder for the report")] = Path("replay-report"),
) -> None:
    """按原时间回放来件,生成逾期报告。/ Replay messages at their own times; writes the breach report."""
    from rich.console import Console

    from service.replay.command import Replay, replay

    replay(Replay(file=file, out=out, speed=_speed(speed), seed=seed, data=data), Console())


def _speed(text: str) -> float | None:
    """How many simulated seconds pass in a real one; None for as fast as it goes."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter(f"{text} (60, 3600.5, max)", param_hint="--speed")
    return speed
