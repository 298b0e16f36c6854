"""`hotline reindex`: the search index made anew from the tickets."""

import typer

from service.commands.frame import application, progress_bar, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reindex")(reindex)


def reindex() -> None:
    """重建检索索引;可随时中断和重做,不影响使用。/ Make the search index anew. It may be cut off and repeated."""
    from service.tickets.finding import highest_ticket, reindex_tickets

    batch = 500
    with application() as parts:
        with parts.reading() as unit:
            highest = highest_ticket(unit)
        done = 0
        with progress_bar("索引 index", total=highest) as advance_to:
            for first in range(1, highest + 1, batch):
                # A transaction each: nobody waits long for a ticket that is being indexed.
                with parts.unit() as unit:
                    done += reindex_tickets(unit, first=first, last=min(first + batch - 1, highest))
                advance_to(min(first + batch - 1, highest))
    say(f"{done} 张工单已重建索引 / tickets indexed anew")
