"""答复模板: texts to begin a reply with. A kind of article (versions that are never edited, withdrawn and not deleted),
owned by a union: it and the unions below it see them. Placeholders are filled from the ticket.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select

from service.audit.recording import record
from service.core.clock import local
from service.core.errors import Bilingual, Conflict, Forbidden, Malformed, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.tickets.errors import CategoryUnknown
from service.tickets.knowledge import TEMPLATE, Article, ArticleVersion, add_version
from service.tickets.models import Ticket
from service.tickets.repository import find
from service.tickets.taxonomy import leaves

PLACEHOLDERS = ("number", "title", "union", "date")
_PLACEHOLDER = re.compile(r"\{([^{}\s]*)\}")
# As many as a list to choose from can have; the newest come first.
_MOST_SHOWN = 100


class TemplateNotFound(NotFound):
    zh = "找不到答复模板 {id},或不属于本单位及上级。"
    en = "There is no reply template {id}, or it is of another union."


class TemplateNotYours(Forbidden):
    zh = "答复模板只能由所属工会有权限的人员维护。"
    en = "A reply template is kept by its own union, by those with the right to."


class TemplateWithdrawn(Conflict):
    zh = "模板已撤回,请另建。"
    en = "The template is withdrawn; write a new one."


class PlaceholderUnknown(Malformed):
    zh = "没有占位符 {placeholder}。可用:{known}。"
    en = "There is no placeholder {placeholder}. There are: {known}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishTemplate:
    """What a template says from now on. `category_code` None: for any matter; `template_id` None begins a new one."""

    title: str
    body: str
    category_code: str | None = None
    template_id: int | None = None


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A template in force. `own` ones the actor's union keeps; `filled` for a ticket, else as written."""

    id: int
    owner_code: str
    owner: Bilingual
    category_code: str | None
    category: Bilingual | None
    title: str
    body: str
    filled: str
    version: int
    published_at: datetime
    own: bool


def publish_template(unit: Unit, command: PublishTemplate) -> int:
    """Begin a template of one's own union or put a new version of one in force; answers its id.

    Raises TemplateNotYours, CategoryUnknown, PlaceholderUnknown, TemplateNotFound, TemplateWithdrawn.
    """
    _may_write(unit)
    if command.category_code is not None and command.category_code not in leaves(unit.session):
        raise CategoryUnknown(code=command.category_code)
    for found in _PLACEHOLDER.finditer(command.body):
        if found[1] not in PLACEHOLDERS:
            known = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise PlaceholderUnknown(placeholder=found[0][:50], known=known)
    if command.template_id is None:
        template = Article(
            kind=TEMPLATE,
            owner_code=unit.actor.org_code,
            category_code=command.category_code,
            version=1,
            created_at=unit.now,
        )
        unit.session.add(template)
    else:
        template = _own(unit, command.template_id)
        if template.withdrawn_at is not None:
            raise TemplateWithdrawn
        template.version, template.category_code = template.version + 1, command.category_code  # type: ignore[assignment]
    add_version(unit, template, title=command.title, body=command.body, source="", valid_from=local(unit.now).date())
    record(unit, "template:publish", subject=f"template:{template.id}", after={"version": template.version})
    return template.id


def withdraw_template(unit: Unit, template_id: int) -> None:
    """Take a template out of use. A repeat changes nothing. Raises TemplateNotYours, TemplateNotFound."""
    _may_write(unit)
    template = _own(unit, template_id)
    if template.withdrawn_at is None:
        template.withdrawn_at, template.withdrawn_by = unit.now, unit.actor.id
        record(unit, "template:withdraw", subject=f"template:{template.id}")


def templates(unit: Unit) -> list[TemplateView]:
    """Those in force that the actor's union may use: its own and those of the unions above it, the newest first."""
    return _found(unit, _in_force(unit))


def templates_for(unit: Unit, number: str) -> list[TemplateView]:
    """Those for a ticket's category, its group, or any matter, the nearest first, filled in. Raises TicketNotFound."""
    ticket = find(unit, number, "template")
    statement = _in_force(unit).where(
        or_(Article.category_code.is_(None), Article.category_code.startswith(ticket.category_code[:2]))
    )
    found = _found(unit, statement, ticket=ticket)
    return sorted(found, key=lambda each: (each.category_code != ticket.category_code, each.category_code is None))


def filled(unit: Unit, ticket: Ticket, body: str) -> str:
    """A template's text with the facts of a ticket, the union that answers, and the local day."""
    tree = org_tree(unit.session)
    today = local(unit.now)
    facts = {
        "number": ticket.number,
        "title": ticket.title,
        "union": tree.get(unit.actor.org_code or PROVINCE_CODE).name_zh,
        "date": f"{today.year}年{today.month}月{today.day}日",
    }
    return _PLACEHOLDER.sub(lambda found: facts.get(found[1], found[0]), body)


def _in_force(unit: Unit) -> Select[tuple[Article, ArticleVersion]]:
    return (
        select(Article, ArticleVersion)
        .join(ArticleVersion, (ArticleVersion.article_id == Article.id) & (ArticleVersion.number == Article.version))
        .where(Article.kind == TEMPLATE, Article.withdrawn_at.is_(None), Article.owner_code.in_(_unions_above(unit)))
        .order_by(ArticleVersion.id.desc())
        .limit(_MOST_SHOWN)
    )


def _found(
    unit: Unit, statement: Select[tuple[Article, ArticleVersion]], *, ticket: Ticket | None = None
) -> list[TemplateView]:
    tree = org_tree(unit.session)
    names = leaves(unit.session)
    return [
        TemplateView(
            id=template.id,
            owner_code=template.owner_code,
            owner=tree.get(template.owner_code).name,
            category_code=template.category_code,
            category=names[template.category_code].whole if template.category_code else None,
            title=version.title,
            body=version.body,
            filled=filled(unit, ticket, version.body) if ticket else version.body,
            version=version.number,
            published_at=version.published_at,
            own=template.owner_code == unit.actor.org_code,
        )
        for template, version in unit.session.execute(statement)
    ]


def _unions_above(unit: Unit) -> list[str]:
    """The actor's own union and those above it."""
    tree = org_tree(unit.session)
    union = tree.get(unit.actor.org_code or PROVINCE_CODE)
    codes = [union.code]
    while (above := tree.parent(codes[-1])) is not None:
        codes.append(above.code)
    return codes


def _may_write(unit: Unit) -> None:
    if not unit.actor.may(Permission.template_write):
        raise TemplateNotYours


def _own(unit: Unit, template_id: int) -> Article:
    """A template of the actor's own union, locked. Raises TemplateNotFound, TemplateNotYours."""
    template = unit.session.get(Article, template_id, with_for_update=True)
    if template is None or template.kind != TEMPLATE or template.owner_code not in _unions_above(unit):
        raise TemplateNotFound(id=template_id)
    if template.owner_code != unit.actor.org_code:
        raise TemplateNotYours
    return template
