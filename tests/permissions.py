"""Who may do what, where: read from what the routes declare, the table of steps and the scope.

`python -m tests.permissions` writes docs/permissions.md; tests/api/test_permissions.py asks every address as everybody
and holds the answers against the same expectation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from service.api.routers.steps import ACTIONS
from service.app import create_app
from service.bootstrap import build
from service.core.settings import Settings
from service.identity.permissions import ROLE_PERMISSIONS, Permission, Role
from service.tickets.states import TABLE, Place, Step

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "permissions.md"

CENTRE, CITY = "centre", "city"
# Whose the ticket is, seen from the union of whoever asks. Nothing is above the centre or beside it.
PLACES = {CENTRE: ("own", "below"), CITY: ("own", "below", "above", "beside")}
OUTSIDE = ("above", "beside")

ROLE_NAMES = {
    Role.agent: ("坐席", "agent"),
    Role.lawyer: ("律师", "lawyer"),
    Role.dispatcher: ("派单员", "dispatcher"),
    Role.handler: ("承办人", "handler"),
    Role.reviewer: ("审核人", "reviewer"),
    Role.supervisor: ("督办员", "supervisor"),
    Role.admin: ("管理员", "admin"),
    Role.auditor: ("审计员", "auditor"),
}

MAY = "may"

# What one asks of the four requests is decided at one address, each by a right and from a place of its own.
_DECIDED: dict[str, Step] = {
    "rejection": Step.grant_rejection,
    "return": Step.grant_return,
    "extension": Step.grant_extension,
    "suspension": Step.grant_suspension,
}
# One keeps oneself out of a matter by one right, and somebody else by another.
_KEPT_OUT = {"oneself": Permission.recusal_declare, "another": Permission.recusal_manage}
# Not steps of the table, and yet only the provincial centre's.
_CENTRE_ONLY = (
    "/api/v1/rules",
    "/api/v1/employers",
    "/api/v1/intake/assist",
    "/api/v1/dispatch-catalogue",
    "/api/v1/retention",
    "/api/v1/peers",
    "/api/v1/tickets/{number}/person-",
)
# A caller's name and number: at the centre everybody's, elsewhere of the matter the union has itself.
_HOLDER_BELOW_THE_CENTRE = ("/api/v1/tickets/{number}/reveal",)
# A worker is nobody of the staff: what opens these is the proof that a matter is theirs.
_WORKERS = "/api/v1/worker/"
# A gateway is nobody at all: it signs what it sends.
_GATEWAYS = "/api/v1/gateways/"
# Like the steps, these look for the ticket before the right.
_LOADED_FIRST = _HOLDER_BELOW_THE_CENTRE


@dataclass(frozen=True)
class Route:
    """One address, or one of the requests that are decided at it."""

    method: str
    path: str
    summary: str
    rights: tuple[str, ...]
    public: bool
    step: Step | None
    operation: dict[str, Any]
    request: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}" + (f" ({self.request})" if self.request else "")

    @property
    def of_a_ticket(self) -> bool:
        return "{number}" in self.path

    @property
    def of_a_queue(self) -> bool:
        return "{org}" in self.path

    @property
    def place(self) -> Place:
        """From where it may be used."""
        if self.step is not None:
            return TABLE[self.step].place
        return Place.centre if self.path.startswith(_CENTRE_ONLY) else Place.scope

    def holds(self, role: Role) -> bool:
        """Whether the role has the right that is declared; an address that declares none is for all who log in."""
        return not self.rights or not ROLE_PERMISSIONS[role].isdisjoint(map(Permission, self.rights))


def routes(app: FastAPI) -> Iterator[Route]:
    """Every address of the API, in the order of its document."""
    steps = {action.path: action.step for action in ACTIONS}
    for path, methods in app.openapi()["paths"].items():
        if not path.startswith("/api/v1"):
            continue
        for method, operation in methods.items():
            common: dict[str, Any] = {
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "public": "security" not in operation or path.startswith(_WORKERS),
                "operation": operation,
            }
            rights = tuple(operation.get("x-permission", ()))
            last = path.rpartition("/{number}/")[2] if "/{number}/" in path else ""
            if last == "recusals":
                for request, right in _KEPT_OUT.items():
                    yield Route(**common, rights=(right,), step=None, request=request)
            elif last == "decide":
                for request, step in _DECIDED.items():
                    decides = (TABLE[step].permission or "",)
                    yield Route(**common, rights=decides, step=step, request=request)
            else:
                step = Step.register if (method, path) == ("post", "/api/v1/tickets") else steps.get(last)
                yield Route(**common, rights=rights, step=step)


def expected(route: Route, role: Role, office: str, whose: str) -> str:
    """`may` (now or in another state: 2xx, 409, 422), 403, or 404 as if it were not there."""
    if route.public:
        return MAY
    outside = whose in OUTSIDE and (route.of_a_ticket or route.of_a_queue)
    held = route.holds(role)
    if outside and (held or route.step is not None or route.path in _LOADED_FIRST):
        return "404"
    return MAY if held and not outside and _from_here(route, office, whose) else "403"


def _from_here(route: Route, office: str, whose: str) -> bool:
    """Whether an address may be used from a place within the scope."""
    if route.path in _HOLDER_BELOW_THE_CENTRE:
        return office == CENTRE or whose == "own"
    return {
        Place.centre: office == CENTRE,
        Place.holder: whose == "own",
        Place.scope: True,
        # The tickets below a city are those it passed down, and it stays answerable for them.
        Place.charge: True,
        Place.above: office == CENTRE or whose == "below",
        # A city leads what it passed down; the centre is answerable for everything and leads nothing.
        Place.lead: office == CITY and whose == "below",
    }[route.place]


def document(app: FastAPI) -> str:
    """The whole of docs/permissions.md."""
    heads = " | ".join("<br>".join(names) for names in ROLE_NAMES.values())
    lines = [_INTRODUCTION, f"| 地址 Address | 权限 Right | {heads} | 其余 Otherwise |", "|" + "---|" * (len(Role) + 3)]
    for route in routes(app):
        cells = [_cell(route, role) for role in ROLE_NAMES]
        open_to = "职工 worker" if route.path.startswith(_WORKERS) else "公开 public"
        open_to = "网关签名 gateway's signature" if route.path.startswith(_GATEWAYS) else open_to
        rights = open_to if route.public else "<br>".join(f"`{right}`" for right in route.rights) or "登录 login"
        zh = route.summary.partition(" / ")[0]
        address = f"`{route.method} {route.path}`" + (f" ({route.request})" if route.request else "")
        lines.append(f"| {address}<br>{zh} | {rights} | {' | '.join(cells)} | {_otherwise(route)} |")
    return "\n".join(lines) + "\n"


def _cell(route: Route, role: Role) -> str:
    """Where a role may: at the centre (省) and at a city (州), each with whose ticket it is."""
    if not (route.of_a_ticket or route.of_a_queue):
        found = [_OFFICES[office] for office in PLACES if expected(route, role, office, "own") == MAY]
        return _SHORT_FOR_ALL if len(found) == len(PLACES) else " ".join(found) or "—"
    parts = []
    for office, places in PLACES.items():
        letters = "".join(_LETTERS[whose] for whose in places if expected(route, role, office, whose) == MAY)
        parts += [f"{_OFFICES[office]}:{letters}"] if letters else []
    return " ".join(parts) or "—"


def _otherwise(route: Route) -> str:
    refusals = {
        expected(route, role, office, whose) for role in Role for office, places in PLACES.items() for whose in places
    }
    return " / ".join(sorted(refusals - {MAY})) or "—"


_OFFICES = {CENTRE: "省C", CITY: "州U"}
_LETTERS = {"own": "本O", "below": "下B", "above": "上A", "beside": "旁S"}
_SHORT_FOR_ALL = "省C 州U"

_INTRODUCTION = """\
# 谁能做什么 / Who may do what

由 `python -m tests.permissions` 按接口声明的权限、工单操作表和可见范围生成,请勿手改;`tests/api/test_permissions.py` \
以每个岗位、在每个位置调用每个地址,与本表逐一核对。

Generated by `python -m tests.permissions` from the rights that the addresses declare, the table of steps and the \
scope; do not edit. `tests/api/test_permissions.py` asks every address in every role from every place and holds the \
answers against this table.

**读法 / How to read it.** 每格是该岗位可以操作的位置,“—”为不可以。/ A cell says where the role may; “—” is nowhere.

- `省C` 在省级热线中心任职 / somebody at the provincial centre; `州U` 在市州或区县工会任职 / somebody at a union \
below it.
- `本O` 工单在本单位 / the union's own ticket; `下B` 在下级工会 / a ticket of a union below; `上A` 在上级 / of the \
union above; `旁S` 在平级工会 / of a sibling union.
- 可以 / may: 200、201 或 204;工单现状不允许时 409,内容有误时 422 / or 409 while the ticket's state does not allow it, \
422 for a body that is wrong.
- “其余”一栏是不可以时的回答:403 无权;404 不在可见范围,与不存在无异。/ The last column is the answer elsewhere: 403 is \
no right to it, 404 lies outside the scope and looks as if it were not there.
- 未登录一律 401。/ Without a login: 401.
"""


def main() -> None:
    """Write the document."""
    settings = Settings(
        database_url="postgresql://nowhere/none", redis_url="redis://nowhere", master_key="A" * 43 + "=", demo=True
    )
    DOCUMENT.write_text(document(create_app(build(settings))), encoding="utf-8")


if __name__ == "__main__":
    main()
