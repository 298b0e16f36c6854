"""`hotline`: the service from the command line. See the README for each command with an example.

Exit codes: 0 done, 1 refused or a check failed, 2 wrong command line, settings or surroundings.
"""

import typer

from service.commands import (
    auditing,
    backups,
    calendars,
    catalogues,
    channels,
    duties,
    employers,
    finding,
    importing,
    keeping,
    keys,
    operating,
    peers,
    people,
    processes,
    replaying,
    reporting,
    simulating,
    timing,
    up,
    watching,
)
from service.commands.frame import Sentences

app = typer.Typer(
    cls=Sentences,
    name="hotline",
    help="职工服务热线 12351 工单系统 / ticketing for the trade-union hotline 12351",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    # A traceback with local variables would print a caller's data.
    pretty_exceptions_enable=False,
)
GROUPS = (
    up,
    processes,
    people,
    peers,
    timing,
    calendars,
    catalogues,
    channels,
    duties,
    employers,
    simulating,
    reporting,
    finding,
    backups,
    auditing,
    keeping,
    keys,
    operating,
    watching,
    replaying,
    importing,
)
for group in GROUPS:
    group.register(app)


def main() -> None:
    """The entry point of the `hotline` script."""
    app()


if __name__ == "__main__":
    main()
