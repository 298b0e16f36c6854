"""The dispatch catalogue as administrators see it: a row changed, a file previewed, nothing published unseen."""

from service.tickets.catalogue import PublishCatalogue, publish_catalogue, suggested_union
from tests.console.browser import CONSOLE, FormOnPage, Reader, forms_of, seen
from tests.desk import GOLMUD, HAIXI, Desk

PAGE, IMPORT = f"{CONSOLE}/rules/catalogue", f"{CONSOLE}/rules/catalogue/import"
DELINGHA = "632802"
FILE = f"category,place,org\n0101,{GOLMUD},{GOLMUD}\n01,{HAIXI},{HAIXI}\n*,{HAIXI},{HAIXI}\n"


def published(desk: Desk, text: str = FILE) -> None:
    desk.do("admin1", publish_catalogue, PublishCatalogue(text=text, reason="年度目录"))


def suggested(desk: Desk) -> str | None:
    with desk.application.reading() as unit:
        found = suggested_union(unit.session, "0101", GOLMUD)
    return found[0] if found else None


def form_at(reader: Reader, path: str, action: str, name: str) -> FormOnPage:
    return next(form for form in reader.forms(path) if form.action == action and name in form.names)


def test_a_row_is_changed_with_a_reason_and_is_a_version_of_its_own(reader: Reader, desk: Desk) -> None:
    published(desk)
    reader.as_("admin1")
    chosen = f"{PAGE}?row_category=0101&row_place={GOLMUD}&row_org={GOLMUD}"
    form = form_at(reader, chosen, PAGE, "org")
    assert form.fields["category"] == ["0101"]

    assert reader.send(form, org=DELINGHA, reason="", act="save").status_code == 422
    assert suggested(desk) == GOLMUD
    assert reader.send(form, org=DELINGHA, reason="格尔木改由德令哈受理", act="save").status_code == 303
    assert suggested(desk) == DELINGHA
    page = seen(reader.get(PAGE))
    assert "格尔木改由德令哈受理" in page
    assert "年度目录" in page

    stale = reader.send(form, org=HAIXI, reason="迟到的修改", act="save")
    assert stale.status_code == 409
    assert "已由他人更新" in seen(stale)


def test_a_row_is_taken_out(reader: Reader, desk: Desk) -> None:
    published(desk)
    reader.as_("admin1")
    form = form_at(reader, f"{PAGE}?row_category=0101&row_place={GOLMUD}", PAGE, "org")

    assert reader.send(form, reason="不再单列", act="remove").status_code == 303
    assert suggested(desk) == HAIXI
    again = form_at(reader, f"{PAGE}?row_category=0101&row_place={GOLMUD}", PAGE, "org")
    assert reader.send(again, reason="再删一次", act="remove").status_code == 404


def test_a_file_says_what_it_changes_before_anything_is_published(reader: Reader, desk: Desk) -> None:
    published(desk)
    reader.as_("admin1")
    text = f"category,place,org\n0101,{GOLMUD},{DELINGHA}\n01,{HAIXI},{HAIXI}\n02,*,{HAIXI}\n"
    shown = reader.client.post(
        IMPORT,
        data={
            "form_mark": form_at(reader, IMPORT, IMPORT, "text").fields["form_mark"][0],
            "act": "preview",
            "text": "",
        },
        files={"file": ("目录.csv", text.encode("gb18030"), "text/csv")},
    )
    page = seen(shown)
    assert "修改 共 1 行" in page
    assert "增加 共 1 行" in page
    assert "删除 共 1 行" in page
    assert suggested(desk) == GOLMUD

    publish = next(form for form in forms_of(shown.text) if "reason" in form.names)
    assert reader.send(publish, reason="", act="publish").status_code == 422
    assert reader.send(publish, reason="下半年目录", act="publish").status_code == 303
    assert suggested(desk) == DELINGHA


def test_a_faulty_file_is_refused_by_its_lines(reader: Reader, desk: Desk) -> None:
    reader.as_("admin1")
    form = form_at(reader, IMPORT, IMPORT, "text")
    refused = reader.send(form, text="category,place,org\n0101,火星,632801\n", act="preview")

    assert refused.status_code == 422
    assert "第 2 行" in seen(refused)
    assert "火星" in next(form for form in forms_of(refused.text) if "text" in form.names).fields["text"][0]


def test_the_filter_narrows_and_nobody_else_sees_it(reader: Reader, desk: Desk) -> None:
    published(desk)
    reader.as_("admin1")
    assert "共 3 行" in seen(reader.get(PAGE))
    assert "共 1 行" in seen(reader.get(f"{PAGE}?category=0101"))
    assert "共 1 行" in seen(reader.get(f"{PAGE}?org={GOLMUD}"))
    for who in ("agent1", "dispatcher1", f"leader-{GOLMUD}"):
        assert reader.as_(who).get(PAGE).status_code == 403
