"""知识库: articles by category in versions that are never edited, found by their words and counted when used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    Select,
    Text,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, aliased, mapped_column

from service.audit.recording import record
from service.core.clock import local
from service.core.db import Base
from service.core.errors import Bilingual, Conflict, Forbidden, Malformed, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.tickets.errors import CategoryUnknown, PermissionMissing
from service.tickets.models import Ticket, one_of
from service.tickets.repository import find, lock
from service.tickets.steps import write_event
from service.tickets.taxonomy import leaves
from service.tickets.wording import understood, words_of

ARTICLE, TEMPLATE = "article", "reply_template"
MOST_FOUND = 100
MOST_SUGGESTED = 5
# The first 25,000 different words of a text; a longer one is a book, not an article.
_MOST_WORDS = 25_000


class Article(Base):
    """An article, or a reply template (see `reply_templates`); what it says is in its versions, and `version` is the
    number of the one in force. Articles are the province's; a template is its owner's and for the unions below.
    """

    __tablename__ = "article"
    __table_args__ = (
        CheckConstraint(one_of("kind", (ARTICLE, TEMPLATE)), name="kind"),
        CheckConstraint("category_code is not null or kind = 'reply_template'", name="category_of_article"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("withdrawn_by is null or withdrawn_at is not null", name="withdrawn_whole"),
        Index("ix_article_category_code", "category_code"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(default=ARTICLE, server_default=ARTICLE)
    owner_code: Mapped[str] = mapped_column(
        ForeignKey("org_unit.code"), default=PROVINCE_CODE, server_default=PROVINCE_CODE
    )
    # Null only for a template: a check sees to it, and who reads an article need not ask.
    category_code: Mapped[str] = mapped_column(ForeignKey("category.code"), nullable=True)
    version: Mapped[int]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class ArticleVersion(Base):
    """What an article said from its publication on. Append-only. `words` are what it is found by."""

    __tablename__ = "article_version"
    __table_args__ = (
        UniqueConstraint("article_id", "number"),
        CheckConstraint("valid_until >= valid_from", name="valid_until_after_from"),
        CheckConstraint("title <> '' and body <> ''", name="says_something"),
        Index("ix_article_version_words", "words", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    number: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    source: Mapped[str]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    published_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime]


class ArticleUse(Base):
    """A version that served a ticket. Append-only; once for each."""

    __tablename__ = "article_use"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("article_version.id"), primary_key=True, index=True)
    by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class ArticleNotFound(NotFound):
    zh = "找不到知识库文章 {id}。"
    en = "There is no article {id}."


class KnowledgeNotYours(Forbidden):
    zh = "您的岗位不能编辑知识库。"
    en = "Your role does not write articles."


class ArticleNotInForce(Conflict):
    zh = "文章《{title}》已撤回或不在有效期内,不能引用。"
    en = "The article “{title}” is withdrawn or not valid today; it can't be used."


class ArticleWithdrawn(Conflict):
    zh = "文章已撤回,请另建新文章。"
    en = "The article is withdrawn; write a new one."


class ArticleDatesUnfit(Malformed):
    zh = "有效期的最后一天不能早于第一天。"
    en = "The last day an article is valid is not before the first."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishArticle:
    """What an article says from now on. `article_id` None begins a new one; the days are local, both included."""

    category_code: str
    title: str
    body: str
    source: str
    valid_from: date
    valid_until: date | None = None
    article_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindArticles:
    """Words, as in the search for tickets, and a category or the first digits of one. `limit` 1 to 100."""

    words: str = ""
    category: str = ""
    limit: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UseArticles:
    """The articles that served a ticket."""

    number: str
    article_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of an article."""

    number: int
    title: str
    published_at: datetime
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article as it stands. `state` is valid, future, expired or withdrawn; `uses` counts tickets."""

    id: int
    category_code: str
    category: Bilingual
    version: int
    title: str
    body: str
    source: str
    valid_from: date
    valid_until: date | None
    published_at: datetime
    state: str
    uses: int
    versions: tuple[VersionView, ...] = ()


def publish_article(unit: Unit, command: PublishArticle) -> int:
    """Begin an article or put a new version of one in force; answers its id.

    Raises KnowledgeNotYours, CategoryUnknown, ArticleDatesUnfit, ArticleNotFound, ArticleWithdrawn.
    """
    _may_write(unit)
    if command.category_code not in leaves(unit.session):
        raise CategoryUnknown(code=command.category_code)
    if command.valid_until is not None and command.valid_until < command.valid_from:
        raise ArticleDatesUnfit
    if command.article_id is None:
        article = Article(category_code=command.category_code, version=1, created_at=unit.now)
        unit.session.add(article)
    else:
        article = _locked(unit, command.article_id)
        if article.withdrawn_at is not None:
            raise ArticleWithdrawn
        article.version, article.category_code = article.version + 1, command.category_code
    add_version(
        unit,
        article,
        title=command.title,
        body=command.body,
        source=command.source,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
    )
    record(unit, "article:publish", subject=f"article:{article.id}", after={"version": article.version})
    return article.id


def add_version(
    unit: Unit,
    article: Article,
    *,
    title: str,
    body: str,
    source: str,
    valid_from: date,
    valid_until: date | None = None,
) -> None:
    """Write the version of a locked or new article that its number names."""
    unit.session.flush()
    unit.session.add(
        ArticleVersion(
            article_id=article.id,
            number=article.version,
            title=title,
            body=body,
            source=source,
            valid_from=valid_from,
            valid_until=valid_until,
            words=sorted(words_of(f"{title}\n{body}"))[:_MOST_WORDS],
            published_by=unit.actor.id,
            published_at=unit.now,
        )
    )
    unit.session.flush()


def withdraw_article(unit: Unit, article_id: int) -> None:
    """Take an article out of use; its versions and uses stay. A repeat changes nothing.

    Raises KnowledgeNotYours, ArticleNotFound.
    """
    _may_write(unit)
    article = _locked(unit, article_id)
    if article.withdrawn_at is None:
        article.withdrawn_at, article.withdrawn_by = unit.now, unit.actor.id
        record(unit, "article:withdraw", subject=f"article:{article.id}")


def find_articles(unit: Unit, query: FindArticles) -> list[ArticleView]:
    """Articles that have all the words, those valid today first, then those whose title says them, then the most used.
    Expired ones are found and marked; withdrawn ones are not found."""
    statement = _current().where(Article.withdrawn_at.is_(None))
    if query.category:
        statement = statement.where(Article.category_code.startswith(query.category, autoescape=True))
    wanted = understood(query.words)
    for term in wanted.terms:
        whole = [word for word in term.words if len(word) > 1 or word.isascii()]
        statement = statement.where(ArticleVersion.words.contains(whole)) if whole else statement
        if not whole or term.shown in wanted.phrases:
            text = ArticleVersion.title + "\n" + ArticleVersion.body
            statement = statement.where(text.icontains(term.shown, autoescape=True))
    valid = _valid_on(_today(unit))
    in_title = [ArticleVersion.title.icontains(term.shown, autoescape=True).desc() for term in wanted.terms]
    rows = unit.session.execute(
        statement.order_by(valid.desc(), *in_title, _USES.desc(), Article.id.desc()).limit(query.limit)
    ).all()
    return [_view(unit, article, version, uses) for article, version, uses in rows]


def suggested_articles(unit: Unit, number: str) -> list[ArticleView]:
    """What may help with a ticket: valid today, of its category before its group, the most used first; at most five.

    Raises TicketNotFound.
    """
    ticket = find(unit, number, None)
    rows = unit.session.execute(
        _current()
        .where(
            Article.withdrawn_at.is_(None),
            Article.category_code.startswith(ticket.category_code[:2]),
            _valid_on(_today(unit)),
        )
        .order_by((Article.category_code == ticket.category_code).desc(), _USES.desc(), Article.id.desc())
        .limit(MOST_SUGGESTED)
    ).all()
    return [_view(unit, article, version, uses) for article, version, uses in rows]


def used_articles(unit: Unit, number: str) -> list[tuple[int, int, str]]:
    """Id, version and title of what served a ticket, in the order of use. Raises TicketNotFound."""
    ticket = find(unit, number, None)
    rows = unit.session.execute(
        select(ArticleVersion.article_id, ArticleVersion.number, ArticleVersion.title)
        .join(ArticleUse, ArticleUse.version_id == ArticleVersion.id)
        .where(ArticleUse.ticket_id == ticket.id)
        .order_by(ArticleUse.at, ArticleVersion.id)
    )
    return [(row.article_id, row.number, row.title) for row in rows]


def article_view(unit: Unit, article_id: int) -> ArticleView:
    """An article with all its versions, the newest first. Raises ArticleNotFound."""
    row = unit.session.execute(_current().where(Article.id == article_id)).one_or_none()
    if row is None:
        raise ArticleNotFound(id=article_id)
    versions = unit.session.scalars(
        select(ArticleVersion).where(ArticleVersion.article_id == article_id).order_by(ArticleVersion.number.desc())
    )
    views = tuple(VersionView(v.number, v.title, v.published_at, v.valid_from, v.valid_until) for v in versions)
    article, version, uses = row
    return _view(unit, article, version, uses, versions=views)


def use_articles(unit: Unit, command: UseArticles) -> None:
    """Note that the present versions of these articles served a ticket, each once. It stands on the timeline.

    Raises PermissionMissing, TicketNotFound, ArticleNotFound, ArticleNotInForce.
    """
    if not unit.actor.may(Permission.ticket_note):
        raise PermissionMissing(step=Bilingual("引用知识", "use an article"))
    ticket = lock(unit, command.number)
    rows = unit.session.execute(_current().where(Article.id.in_(command.article_ids))).all()
    views = {article.id: (_view(unit, article, version, uses), version) for article, version, uses in rows}
    for article_id in dict.fromkeys(command.article_ids):
        if article_id not in views:
            raise ArticleNotFound(id=article_id)
        view, version = views[article_id]
        if view.state != "valid":
            raise ArticleNotInForce(title=view.title)
        _note_use(unit, ticket, version)


def _note_use(unit: Unit, ticket: Ticket, version: ArticleVersion) -> None:
    new = unit.session.execute(
        insert(ArticleUse)
        .values(ticket_id=ticket.id, version_id=version.id, by=unit.actor.id, at=unit.now)
        .on_conflict_do_nothing()
        .returning(ArticleUse.ticket_id)
    ).one_or_none()
    if new is not None:
        data = {"article": version.article_id, "version": version.number}
        write_event(unit, ticket, kind="article:used", from_state=ticket.state, note=version.title, data=data)


_AnyVersion = aliased(ArticleVersion)
# How many tickets any version of an article served.
_USES = (
    select(func.count(ArticleUse.ticket_id.distinct()))
    .join(_AnyVersion, _AnyVersion.id == ArticleUse.version_id)
    .where(_AnyVersion.article_id == Article.id)
    .correlate(Article)
    .scalar_subquery()
)


def _current() -> Select[tuple[Article, ArticleVersion, int]]:
    return (
        select(Article, ArticleVersion, _USES)
        .join(ArticleVersion, (ArticleVersion.article_id == Article.id) & (ArticleVersion.number == Article.version))
        .where(Article.kind == ARTICLE)
    )


def _valid_on(day: date) -> ColumnElement[bool]:
    return and_(
        ArticleVersion.valid_from <= day,
        or_(ArticleVersion.valid_until.is_(None), ArticleVersion.valid_until >= day),
    )


def _view(
    unit: Unit, article: Article, version: ArticleVersion, uses: int, versions: Sequence[VersionView] = ()
) -> ArticleView:
    return ArticleView(
        id=article.id,
        category_code=article.category_code,
        category=leaves(unit.session)[article.category_code].whole,
        version=version.number,
        title=version.title,
        body=version.body,
        source=version.source,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        published_at=version.published_at,
        state=_state(article, version, _today(unit)),
        uses=uses,
        versions=tuple(versions),
    )


def _state(article: Article, version: ArticleVersion, today: date) -> str:
    if article.withdrawn_at is not None:
        return "withdrawn"
    if today < version.valid_from:
        return "future"
    return "expired" if version.valid_until is not None and version.valid_until < today else "valid"


def _today(unit: Unit) -> date:
    return local(unit.now).date()


def _may_write(unit: Unit) -> None:
    if not unit.actor.may(Permission.knowledge_write):
        raise KnowledgeNotYours


def _locked(unit: Unit, article_id: int) -> Article:
    article = unit.session.get(Article, article_id, with_for_update=True)
    if article is None or article.kind != ARTICLE:
        raise ArticleNotFound(id=article_id)
    return article
