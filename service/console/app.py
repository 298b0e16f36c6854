"""The two sets of pages as applications of their own, each with its errors, its files and its headers."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from service.api.errors import Problem
from service.api.live import Live
from service.bootstrap import Application
from service.console import (
    absencepage,
    accountpage,
    assistpage,
    auditpage,
    cataloguepage,
    channelpage,
    consultpage,
    dutypage,
    employerpage,
    exclusionpage,
    factorpage,
    filepage,
    grouppage,
    intake,
    knowledgepage,
    login,
    noticepage,
    oidcpage,
    outcomepage,
    ownpages,
    peerpage,
    peoplepage,
    personpage,
    qualitypage,
    queue,
    reportpage,
    retentionpage,
    rulespage,
    searchpage,
    supervisionpage,
    templatepage,
    ticketpage,
    workerpages,
)
from service.console.endpoints import FORMS_WITH_FILES, Endpoints, PageMaker, pages
from service.console.errors import error_page, problem_for
from service.console.livepage import live_notices
from service.console.rendering import STATIC
from service.console.security import FORM_MARK, check_form_mark
from service.console.visit import STAFF_HOME, WORKER_HOME, Visit
from service.identity.permissions import Permission

P = Permission

CONSOLE, WORKER_PAGES = "/console", "/w"
_A_YEAR = "public, max-age=31536000, immutable"


class Files(StaticFiles):
    """The stylesheet and what goes with it: an address carries a hash of the content, so a browser asks once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As StaticFiles, with leave to keep what was found."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["Cache-Control"] = _A_YEAR
        return response


def create_console(application: Application, bells: Live) -> Starlette:
    """The staff's pages, to be mounted at `/console`."""

    def form_is_ours(visit: Visit) -> None:
        if visit.request.method == "POST":
            check_form_mark(application.vault, visit.token, visit.value(FORM_MARK))

    page = pages(application, home=STAFF_HOME, before=form_is_ours)
    file_page = pages(application, home=STAFF_HOME, before=form_is_ours, forms=FORMS_WITH_FILES)
    # What is one's own, whatever one may do.
    own_page = pages(application, home=STAFF_HOME, before=form_is_ours, open_to_all=True)
    # The login form belongs to no login yet: it checks its own mark.
    open_page = pages(application, home=STAFF_HOME, open_to_all=True)
    ticket = "/tickets/{number}"
    file = f"{ticket}/attachments"
    return _application(
        application,
        STAFF_HOME,
        [
            *_both("/login", open_page, login.show_login, login.take_login),
            Route("/login/code", open_page(login.take_code), methods=["POST"]),
            Route("/login/oidc", open_page(oidcpage.show_way), methods=["GET"]),
            Route("/login/oidc/callback", open_page(oidcpage.take_return), methods=["GET"]),
            Route("/login/oidc/refused", open_page(oidcpage.show_refusal), methods=["GET"]),
            *_both("/login/oidc/code", open_page, oidcpage.show_code, oidcpage.take_code),
            Route("/login/oidc/logout", open_page(oidcpage.show_way_out), methods=["GET"]),
            Route("/logout", own_page(login.take_logout), methods=["POST"]),
            *_both("/account", own_page, accountpage.show_account, accountpage.take_account),
            *_both("/account/password", own_page, accountpage.show_password, accountpage.take_password),
            *_both("/account/second-factor", own_page, factorpage.show_factor, factorpage.take_factor),
            Route("/account/second-factor.svg", own_page(factorpage.show_picture), methods=["GET"]),
            *_both("/account/identity", own_page, oidcpage.show_identity, oidcpage.take_identity),
            *_both("/people", page, peoplepage.show_people, peoplepage.take_person, P.person_manage),
            *_both("/people/{username}", page, peoplepage.show_person, peoplepage.take_change, P.person_manage),
            *_both("/people/{username}/leave", page, peoplepage.show_leaving, peoplepage.take_leaving, P.person_manage),
            Route("/", own_page(queue.show_home), methods=["GET"]),
            Route("/tickets", page(queue.show_tickets, P.ticket_read), methods=["GET"]),
            *_both("/tickets/new", page, intake.show_intake, intake.take_intake, P.ticket_create),
            Route("/tickets/new/assist", page(intake.show_assist, P.ticket_create), methods=["POST"]),
            Route("/tickets/new/draft", page(intake.take_draft, P.ticket_create), methods=["POST"]),
            Route("/tickets/new/draft/discard", page(intake.take_draft_away, P.ticket_create), methods=["POST"]),
            Route("/tickets/new/employers", page(intake.show_employer_names, P.ticket_create), methods=["POST"]),
            *_both(ticket, page, ticketpage.show_ticket, ticketpage.take_ticket_step, P.ticket_read),
            Route(f"{ticket}/registered", page(intake.show_registered, P.ticket_create), methods=["GET"]),
            *_both(f"{ticket}/group", page, grouppage.show_group, grouppage.take_group, P.ticket_read),
            Route(f"{ticket}/person-file", page(ticketpage.show_person_file, P.worker_export), methods=["POST"]),
            *_both(f"{ticket}/person", page, personpage.show_person, personpage.take_person, P.worker_export),
            Route(f"{ticket}/caller", page(ticketpage.show_caller, P.ticket_read), methods=["POST"]),
            Route(file, file_page(filepage.take_file, P.ticket_note), methods=["POST"]),
            Route(f"{file}/{{id}}", page(filepage.show_file, P.ticket_read), methods=["POST"]),
            Route(f"{file}/{{id}}/withdraw", page(filepage.take_file_back, P.ticket_note), methods=["POST"]),
            Route("/search", page(searchpage.show_search, P.ticket_read), methods=["GET"]),
            Route("/search/bulk", page(searchpage.take_bulk, P.ticket_read), methods=["POST"]),
            Route("/search/callers", page(searchpage.export_callers, P.ticket_export_clear), methods=["POST"]),
            Route("/search/views", page(searchpage.take_view, P.ticket_read), methods=["POST"]),
            Route("/reports/outcomes", page(outcomepage.show_outcomes, P.report_read), methods=["GET"]),
            Route("/reports/outcomes.csv", page(outcomepage.show_outcomes_file, P.report_read), methods=["GET"]),
            Route("/reports/breaches", page(reportpage.show_report, P.report_read), methods=["GET"]),
            Route("/reports/breaches.{kind}", page(reportpage.show_report_file, P.report_read), methods=["GET"]),
            Route("/rules", page(rulespage.show_rules, P.policy_manage), methods=["GET"]),
            *_both("/rules/load", file_page, rulespage.show_load, rulespage.take_load, P.policy_manage),
            *_both(cataloguepage.HOME, page, cataloguepage.show_catalogue, cataloguepage.take_entry, P.policy_manage),
            *_both(
                cataloguepage.IMPORT, file_page, cataloguepage.show_import, cataloguepage.take_import, P.policy_manage
            ),
            Route("/rules/changes", page(rulespage.show_changes, P.policy_manage), methods=["GET"]),
            Route("/rules/changes/{change_id:int}", page(rulespage.show_change, P.policy_manage), methods=["GET"]),
            *_both(f"{ticket}/recusal", page, absencepage.show_recusal, absencepage.take_recusal, P.recusal_declare),
            Route("/knowledge", page(knowledgepage.show_knowledge, P.knowledge_read), methods=["GET"]),
            *_both(
                "/knowledge/new",
                page,
                knowledgepage.show_new_article,
                knowledgepage.take_new_article,
                P.knowledge_write,
            ),
            *_both(
                "/knowledge/{article_id:int}",
                page,
                knowledgepage.show_article,
                knowledgepage.take_article,
                P.knowledge_read,
            ),
            Route("/quality-checks", page(qualitypage.show_quality, P.ticket_redo), methods=["GET"]),
            Route("/supervisions", page(supervisionpage.show_supervisions, P.ticket_read), methods=["GET"]),
            *_both("/reply-templates", page, templatepage.show_templates, templatepage.take_template, P.knowledge_read),
            Route("/tasks", page(assistpage.show_tasks, P.ticket_read), methods=["GET"]),
            Route("/exclusions", page(exclusionpage.show_exclusions, P.exclusion_decide), methods=["GET"]),
            Route("/consults", page(consultpage.show_consults, P.consult_answer), methods=["GET"]),
            *_both("/absences", page, absencepage.show_absences, absencepage.take_absence, P.absence_record),
            *_both("/duties", page, dutypage.show_duties, dutypage.take_duty, P.absence_record),
            *_both("/channels", page, channelpage.show_channels, channelpage.take_channel, P.channel_manage),
            *_both("/peers", page, peerpage.show_peers, peerpage.take_peer, P.peer_manage),
            *_both(
                retentionpage.HOME,
                page,
                retentionpage.show_retention,
                retentionpage.take_retention,
                P.retention_manage,
                P.retention_approve,
                P.hold_manage,
            ),
            Route(
                "/retention/runs/{run_id:int}.csv",
                page(retentionpage.show_numbers, P.retention_manage, P.retention_approve),
                methods=["GET"],
            ),
            *_both(auditpage.HOME, page, auditpage.show_audit, auditpage.take_audit, P.audit_read, P.look_read),
            *_both("/employers", page, employerpage.show_employers, employerpage.take_employer, P.employer_read),
            Route("/events", live_notices(application, bells), methods=["GET"]),
            *_both("/inbox", own_page, noticepage.show_inbox, noticepage.take_reading),
            Route("/inbox/digests/{digest_id:int}", page(noticepage.show_digest, P.ticket_read), methods=["GET"]),
        ],
    )


def create_worker_pages(application: Application) -> Starlette:
    """The worker's pages, to be mounted at `/w`.

    Their forms carry no mark: nobody is logged in, and what each form needs (a signed link, a query code) is known
    to no other site; that a page of another site sends one is refused in front (`service.api.guarding`).
    """
    page = pages(application, home=WORKER_HOME, open_to_all=True)
    file_page = pages(application, home=WORKER_HOME, forms=FORMS_WITH_FILES, open_to_all=True)
    matter = "/my/{number}"
    return _application(
        application,
        WORKER_HOME,
        [
            *_both("/track", page, workerpages.show_tracking, workerpages.take_tracking),
            *_both("/submit", page, ownpages.show_submit, ownpages.take_submit),
            Route("/registered", page(ownpages.show_registered), methods=["GET"]),
            *_both("/code", page, ownpages.show_code, ownpages.take_code),
            Route("/my", page(ownpages.show_own), methods=["GET"]),
            Route(matter, page(ownpages.show_matter), methods=["GET"]),
            Route(f"{matter}/attachments", file_page(ownpages.take_material), methods=["POST"]),
            Route(f"{matter}/urge", page(ownpages.take_urge), methods=["POST"]),
            *_both(f"{matter}/withdraw", page, ownpages.show_withdraw, ownpages.take_withdraw),
            *_both("/rate/{token}", page, workerpages.show_rating, workerpages.take_rating),
        ],
    )


def mount_pages(app: FastAPI, application: Application, bells: Live) -> None:
    """Both sets at their addresses, and the short addresses that people type."""
    app.mount(CONSOLE, create_console(application, bells))
    app.mount(WORKER_PAGES, create_worker_pages(application))
    staff, worker = CONSOLE + STAFF_HOME, WORKER_PAGES + WORKER_HOME
    for short, page in (("/", staff), (CONSOLE, staff), (WORKER_PAGES, worker)):
        app.add_route(short, _redirect_to(page), include_in_schema=False)


def refusals_before_pages(application: Application) -> Callable[[Scope, Problem], ASGIApp]:
    """How a request is refused that never gets as far as its page: by a page where pages are, else by a document."""

    def answer(scope: Scope, problem: Problem) -> ASGIApp:
        for mount, home in ((CONSOLE, STAFF_HOME), (WORKER_PAGES, WORKER_HOME)):
            if scope["path"].startswith(f"{mount}/"):
                request = Request({**scope, "root_path": mount})
                visit = Visit(request=request, application=application, typed={}, home=home)
                return error_page(visit, problem)
        return problem.response(scope)

    return answer


def _application(application: Application, home: str, routes: list[BaseRoute]) -> Starlette:
    async def refused(request: Request, error: Exception) -> Response:
        visit = Visit(request=request, application=application, typed={}, home=home)
        return error_page(visit, problem_for(visit, error))

    app = Starlette(
        routes=[*routes, Mount("/static", Files(directory=STATIC), name="static")],
        exception_handlers={HTTPException: refused},
    )
    app.router.redirect_slashes = False
    return app


def _both(path: str, page: Endpoints, show: PageMaker, take: PageMaker, *needs: Permission) -> list[BaseRoute]:
    """A page and its form, at one address: what answers a refused form can be reloaded."""
    return [Route(path, page(show, *needs), methods=["GET"]), Route(path, page(take, *needs), methods=["POST"])]


def _redirect_to(path: str) -> Callable[[Request], Response]:
    def endpoint(_: Request) -> Response:
        return RedirectResponse(path, 307)

    return endpoint
