"""Every page as its user meets it, wide and on a phone, in both languages: it fits, it can be read and hit, and every
field says what it is. With HOTLINE_SHOTS=DIR the run leaves a picture of each."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from service.app import create_app
from service.core.unit import WORKER
from service.escalations.firing import sweep
from service.identity.identities import EnterIdentity, enter_identity
from service.identity.peers import AddPeer, add_peer
from service.identity.people import actor_of_username
from service.identity.providers import provider_settings
from service.notifications.brake import Brake
from service.notifications.channels import AddChannel, ChannelKind, add_channel, try_channel
from service.ratings.recording import rating_path
from service.tickets.catalogue import PublishCatalogue, publish_catalogue
from service.tickets.confidentiality import Confidentiality
from service.tickets.knowledge import PublishArticle, publish_article
from service.tickets.models import Ticket
from service.tickets.sealed import query_code_of
from service.tickets.together import GroupTickets, group_tickets
from tests.api import stages
from tests.api.clients import serving
from tests.console.test_browser import PHONE, Office, browser, pytestmark
from tests.desk import GOLMUD, HAIXI, Desk
from tests.identity.standing_in import set_provider
from tests.notifications.outside import ROBOT_ADDRESSES

__all__ = ["browser", "pytestmark"]

WIDE = (1280, 800)
SHOTS = os.environ.get("HOTLINE_SHOTS")
HANDLER, LEADER, CITY = f"handler-{GOLMUD}", f"leader-{GOLMUD}", f"handler-{HAIXI}"

# What a page must not have: each fault in words. Inline links in running text need not be large (WCAG 2.2, 2.5.8).
AUDIT = """(phone) => {
  const faults = [], shown = it => it.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true})
      && !it.closest('.quiet, .skip');
  const name = it => `${it.tagName.toLowerCase()} ${(it.innerText || it.name || it.id || '').trim().slice(0, 24)}`;
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll('body *')].filter(it => shown(it)
        && it.getBoundingClientRect().right > innerWidth + 1 && !it.children.length);
    faults.push(`wider than the screen: ${wide.slice(0, 3).map(name).join(' | ')}`);
  }
  const fields = 'input:not([type=hidden]), select, textarea';
  for (const it of document.querySelectorAll(fields)) {
    if (!it.labels?.length && !it.getAttribute('aria-label')) faults.push(`unlabelled: ${name(it)}`);
  }
  for (const it of document.querySelectorAll(`a, button, summary, ${fields}`)) {
    if (!phone || !shown(it) || it.tagName === 'A' && it.closest('p, dd, li, .sub') && !it.className) continue;
    const hit = it.matches('[type=radio], [type=checkbox]') ? it.labels[0] ?? it : it;
    const high = hit.getBoundingClientRect().height;
    if (high && high < 43.5) faults.push(`small to hit (${Math.round(high)} px): ${name(it)}`);
  }
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
    return paint.getImageData(0, 0, 1, 1).data;
  };
  const straight = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => straight(v / 255))
      .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const ground = it => {
    for (; it; it = it.parentElement) {
      const found = rgb(getComputedStyle(it).backgroundColor);
      if (found[3] > 250) return found;
    }
    return [255, 255, 255];
  };
  for (const it of document.querySelectorAll('body *')) {
    if (!shown(it) || it.closest('svg, option') || ![...it.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
      continue;
    const [a, b] = [light(rgb(getComputedStyle(it).color)), light(ground(it))];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) faults.push(`faint (${contrast.toFixed(1)}): ${name(it)}`);
    if (parseFloat(getComputedStyle(it).fontSize) < 17) faults.push(`small letters: ${name(it)}`);
  }
  // What people told is shown as they told it; what the page says itself is in its language.
  const said = 'label, legend, button, summary, thead th, dt, caption, .hint, nav a';
  if (document.documentElement.lang === 'en') for (const it of document.querySelectorAll(said)) {
    const own = it.cloneNode(true);
    own.querySelectorAll('.quiet, .told, select').forEach(each => each.remove());
    const chinese = /[\\u4e00-\\u9fff]/.test(own.textContent) && !it.closest('.q-master');
    if (shown(it) && chinese) faults.push(`not in English: ${name(it)}`);
  }
  return [...new Set(faults)];
}"""


@dataclass(frozen=True)
class Visited:
    """A page somebody goes to, under a name for its picture."""

    name: str
    who: str | None
    path: str


@pytest.fixture(scope="module")
def office(browser: Browser, shared_desk: Desk) -> Iterator[Office]:
    with serving(create_app(shared_desk.application)) as base:
        yield Office(browser, base, shared_desk)


@pytest.fixture(scope="module")
def visits(shared_desk: Desk) -> list[Visited]:
    """All pages of the staff, over tickets in every state."""
    desk = shared_desk
    long = "工地拖欠 23 名农民工三个月工资,包工头失联,工人聚集在项目部门口要求当面结清"
    states = {
        "registered": ("agent1", desk.registered(title=long, people_count=23, urgent=True)),
        "accepted": ("dispatcher1", desk.accepted()),
        "accepted-agent": ("agent1", desk.accepted()),
        "accepted-lawyer": ("lawyer1", desk.accepted(kind="consultation")),
        "to-sign": (HANDLER, desk.dispatched()),
        "in-progress": (HANDLER, desk.in_progress(title=long, people_count=23)),
        "in-progress-city": (CITY, desk.in_progress(HAIXI)),
        "in-progress-supervisor": ("supervisor1", desk.in_progress()),
        "confidential": (HANDLER, desk.in_progress(confidentiality=Confidentiality.from_unions)),
        "replied": (LEADER, stages.replied(desk)),
        "to-callback": ("agent2", desk.to_callback()),
        "closed": ("supervisor1", desk.closed()),
        "suspended": (HANDLER, stages.suspended(desk)),
        "return-asked": ("dispatcher1", stages.return_asked(desk)),
        "extension-asked": ("supervisor1", stages.extension_asked(desk, HAIXI)),
        "consult": ("lawyer1", stages.consult_asked(desk)),
        "supervised": (HANDLER, stages.supervised(desk)),
        "material": (HANDLER, stages.material_asked(desk)),
        "task": (f"handler-{stages.DELINGHA}", stages.task_set(desk)),
        "merged": ("agent1", stages.merged(desk)),
        "passed-down": (CITY, stages.passed_down(desk)),
    }
    any_ticket = states["accepted"][1]
    grouped = states["in-progress"][1]
    desk.do("agent1", group_tickets, GroupTickets(numbers=(grouped, any_ticket), title="某工地欠薪"))
    catalogue = f"category,place,org\n0101,{GOLMUD},{GOLMUD}\n*,{HAIXI},{HAIXI}\n"
    desk.do("admin1", publish_catalogue, PublishCatalogue(text=catalogue, reason="年度目录"))
    article = PublishArticle(
        category_code="0101",
        title="欠薪怎么办",
        body="用人单位应按月足额支付工资。",
        source="《劳动法》第五十条",
        valid_from=date(2026, 1, 1),
    )
    desk.do("lawyer1", publish_article, article)
    mail = AddChannel(kind=ChannelKind.mail, address="li.ming@example.cn", username=HANDLER, urgent_only=True)
    channel = desk.do("admin1", add_channel, mail)
    robot = AddChannel(kind=ChannelKind.wecom, address=ROBOT_ADDRESSES[ChannelKind.wecom], org_code=GOLMUD)
    desk.do("admin1", add_channel, robot)
    key = desk.do("admin1", try_channel, channel)
    (message,) = desk.rows("select id from outbox_message where key = :key", key=key)
    desk.application.courier.deliver(message.id)
    until = desk.clock.now() + timedelta(days=90)
    their = {"org_code": "630000", "scopes": ["ticket:create", "ticket:read"], "networks": ["10.8.0.0/24"]}
    peer = desk.do("admin1", add_peer, AddPeer(name="xining-12345", expires_at=until, **their)).id
    pages = {
        "queue-agent": ("agent1", "/"),
        "queue-handler": (HANDLER, "/"),
        "queue-leader": (LEADER, "/"),
        "tickets": ("supervisor1", "/tickets"),
        "intake": ("agent1", "/tickets/new"),
        "registered-page": ("agent1", f"/tickets/{states['accepted-agent'][1]}/registered"),
        "search": ("dispatcher1", "/search?q=工资"),
        "search-all": ("supervisor1", "/search"),
        "consults": ("lawyer1", "/consults"),
        "outcomes": ("supervisor1", "/reports/outcomes?from=2026-11-01&to=2026-12-31"),
        "tasks": (f"handler-{stages.DELINGHA}", "/tasks"),
        "queue-assisting": (f"handler-{stages.DELINGHA}", "/"),
        "knowledge": ("lawyer1", "/knowledge"),
        "templates": (LEADER, "/reply-templates"),
        "article": ("lawyer1", "/knowledge/1"),
        "article-new": ("lawyer1", "/knowledge/new"),
        "absences": (LEADER, "/absences"),
        "duties": (LEADER, "/duties"),
        "channels": ("admin1", "/channels"),
        "channels-tested": ("admin1", f"/channels?tested={channel}"),
        "peers": ("admin1", "/peers"),
        "peers-revoke": ("admin1", f"/peers?revoke={peer}"),
        "channels-remove": ("admin1", f"/channels?remove={channel}"),
        "employers": ("dispatcher1", "/employers"),
        "person-data": ("supervisor1", f"/tickets/{states['in-progress'][1]}/person"),
        "recusal": (HANDLER, f"/tickets/{states['in-progress'][1]}/recusal"),
        "inbox": (HANDLER, "/inbox"),
        "rules": ("admin1", "/rules"),
        "rules-load": ("admin1", "/rules/load"),
        "rules-changes": ("admin1", "/rules/changes"),
        "catalogue": ("admin1", f"/rules/catalogue?row_category=0101&row_place={GOLMUD}"),
        "catalogue-import": ("admin1", "/rules/catalogue/import"),
        "group": ("agent1", f"/tickets/{any_ticket}/group"),
        "group-handler": (HANDLER, f"/tickets/{grouped}/group"),
        "report": ("supervisor1", "/reports/breaches?from=2026-11-01&to=2026-12-31"),
        "not-found": ("agent1", "/tickets/QH12351-20260101-999999"),
        "refused": (HANDLER, f"/tickets/{any_ticket}"),
        "audit": ("auditor1", "/audit"),
        "audit-looks": ("supervisor1", "/audit?group=reads&org=630000"),
        "login": (None, "/login"),
        "account": ("agent1", "/account"),
        "second-factor": ("agent1", "/account/second-factor"),
        "people": ("admin1", "/people"),
        "person": ("admin1", f"/people/{HANDLER}"),
        "person-leave": ("admin1", f"/people/{HANDLER}/leave"),
        "account-password": ("agent1", "/account/password"),
    }
    if not SHOTS:  # the others have the same parts
        states = {name: states[name] for name in ("registered", "in-progress", "to-callback", "merged", "supervised")}
    desk.go_to("2026-11-24 10:00")
    with desk.application.unit() as unit:
        sweep(unit, limit=1000, brake=Brake(notices=1, urgent=1))
    (digest,) = desk.rows(
        "select t.id, p.username from notice_tally t join person p on p.id = t.person_id order by t.told desc limit 1"
    )
    pages["digest"] = (digest.username, f"/inbox/digests/{digest.id}")
    return [
        *(Visited(f"ticket-{name}", who, f"/console/tickets/{number}") for name, (who, number) in states.items()),
        *(Visited(name, who, f"/console{path}") for name, (who, path) in pages.items()),
    ]


def look(page: Page, name: str, faults: list[str]) -> None:
    """The page that is open, in both languages, on a wide screen and on a phone; what is wrong goes to `faults`."""
    address = page.url
    for lang in ("zh", "en"):
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={lang}")
        page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
        for screen, (width, height) in (("wide", WIDE), ("phone", PHONE)):
            page.set_viewport_size({"width": width, "height": height})
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{lang}-{screen}.png", full_page=True)
            found = page.evaluate(AUDIT, screen == "phone")
            faults += [f"{name}, {lang}, {screen}: {fault}" for fault in found]


def test_every_page_of_the_staff_fits_can_be_read_and_hit(office: Office, visits: list[Visited]) -> None:
    faults: list[str] = []
    for who in dict.fromkeys(each.who for each in visits):
        with office.screen(who) as page:
            for each in (each for each in visits if each.who == who):
                page.goto(each.path)
                look(page, each.name, faults)
    assert not faults, "\n".join(faults)


def test_every_page_of_a_login_by_the_identity_provider_fits_can_be_read_and_hit(office: Office) -> None:
    application = office.desk.application
    settings = application.settings
    set_provider(application, {"oidc_issuer": "https://id.example", "oidc_client_id": "hotline"})
    provider = provider_settings(application.settings)
    assert provider
    faults: list[str] = []
    visits = {
        None: ("login?left=provider", "login/oidc/refused?why=identity_unknown", "login/oidc/code"),
        "agent1": ("account", "account/identity", "login/oidc/refused?why=identity_taken&linking=1"),
        "agent2": ("account/identity",),
        "admin1": ("people/agent1", "people/agent2"),
    }
    with application.unit() as unit:
        unit.actor = actor_of_username(unit, "admin1")
        enter_identity(unit, EnterIdentity(username="agent1", account="20261120"), provider=provider)
    for who, paths in visits.items():
        with office.screen(who) as page:
            for path in paths:
                page.goto(f"/console/{path}")
                look(page, f"oidc-{path.replace('/', '-').partition('?')[0]}", faults)
    application.__dict__["settings"] = settings
    assert not faults, "\n".join(faults)


def test_every_page_of_the_worker_fits_can_be_read_and_hit(office: Office) -> None:
    desk = office.desk
    number = desk.to_callback()
    with desk.application.unit(WORKER) as unit:
        ticket = unit.session.query(Ticket).filter_by(number=number).one()
        code, rate = query_code_of(unit.vault, ticket), rating_path(unit, ticket)
    faults: list[str] = []
    with office.screen() as page:
        for name, path in (("submit", "/w/submit"), ("code", "/w/code"), ("track", "/w/track"), ("rate", rate)):
            page.goto(path)
            look(page, f"w-{name}", faults)
        page.goto("/w/track?lang=zh")
        page.locator("[name=number]").fill(number)
        page.locator("[name=code]").fill(code)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        for name, path in (("matter", f"/w/my/{number}"), ("withdraw", f"/w/my/{number}/withdraw")):
            page.goto(path)
            look(page, f"w-{name}", faults)
    assert not faults, "\n".join(faults)
