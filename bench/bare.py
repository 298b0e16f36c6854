"""The least an intake could be: a FastAPI route that does one INSERT and COMMIT of an equal row."""

from decimal import Decimal

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from service.core.db import Database
from service.core.settings import load_settings

COLUMNS = (
    "number, query_code_sealed, state, kind, channel, urgent, category_code, place_code, title, body, anonymous,"
    " confidentiality, people_count, amount_owed, received_at, holder_code, cycle, bounces, due_at, half_at,"
    " provisional, suspended, row_version, created_at"
)
INSERT = f"""insert into bench_ticket ({COLUMNS}) values (
    'QH12351-20261120-' || lpad(nextval('bench_number')::text, 6, '0'), :sealed, 'registered', :kind, :channel, false,
    :category_code, :place_code, :title, :body, false, 'open', :people_count, :amount_owed, now(), '630000', 1, 0,
    now(), now(), false, false, 1, now()) returning id"""  # noqa: S608 - constants of this file
TABLE = "create table bench_ticket (like ticket including all)"
SEQUENCE = "create sequence bench_number"
SEALED = b"x" * 37


class Body(BaseModel):
    """The fields of an intake."""

    title: str
    body: str
    kind: str
    channel: str
    category_code: str
    place_code: str
    phone: str | None = None
    caller_name: str | None = None
    employer: str | None = None
    people_count: int = 1
    amount_owed: Decimal | None = None


def create_app() -> FastAPI:
    """For uvicorn's --factory."""
    settings = load_settings()
    database = Database(settings.database_url, pool_size=settings.pool_size)
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/tickets", status_code=201)
    def create(body: Body) -> dict[str, int]:
        with database.transaction() as session:
            values = body.model_dump(exclude={"phone", "caller_name", "employer"})
            row: int = session.execute(text(INSERT), {**values, "sealed": SEALED}).scalar_one()
        return {"id": row}

    return app
