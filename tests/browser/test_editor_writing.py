"""Writing in the editor in Chromium: unsaved text is previewed, and nothing is lost or overwritten without a question."""

import pytest

from tests.support.editor_in_browser import change_and_wait, find_violations, mail_frame, open_editor, project
from tests.support.project_folder import ISSUE

__all__ = ["open_editor", "project"]
DIRTY = "() => document.documentElement.dataset.dirty === 'true'"
CLEAN = "() => document.documentElement.dataset.dirty === 'false'"


@pytest.fixture
def editor(open_editor):
    """Return a function that opens the editor with its text box."""

    def opened(**options):
        page = open_editor(**options)
        page.keyboard.press("Alt+e")
        page.wait_for_function("() => document.activeElement.id === 'text'")
        return page

    return opened


def text(page):
    return page.locator("#text").input_value()


def select(page, words):
    page.locator("#text").evaluate(
        "(area, words) => { const at = area.value.indexOf(words); area.focus();"
        " area.setSelectionRange(at, at + words.length); }",
        words,
    )


def titles(page):
    return page.locator(".part.agenda .part .go").all_inner_texts()


def test_typing_updates_the_mail_and_saving_changes_only_the_edited_text(editor, project):
    issue = project.path / ISSUE
    before = "\ufeff" + issue.read_text().replace(
        "date:", "# van de redactie  \ntags: [a,  b]\ndate:"
    ).replace("\n", "\r\n")
    issue.write_bytes(before.encode())
    page = editor()
    assert text(page).startswith("\n## Algemeen")
    select(page, "oliebollen")
    change_and_wait(page, lambda: page.keyboard.type("wafels"))
    page.wait_for_function("() => document.querySelector('#unsaved').hidden === false")
    mail_frame(page).locator("h3 + p", has_text="wafels").wait_for()
    assert issue.read_bytes() == before.encode()
    page.keyboard.press("Control+s")
    page.wait_for_function(CLEAN)
    assert issue.read_bytes() == before.replace("oliebollen", "wafels").encode()
    assert [path.name for path in issue.parent.iterdir()] == [issue.name]


def test_buttons_and_shortcuts_write_markdown_that_can_be_undone(editor):
    page = editor()
    before = text(page)
    select(page, "de koffie staat klaar")
    page.keyboard.press("Control+b")
    assert "**de koffie staat klaar**" in text(page)
    page.keyboard.press("Control+b")
    assert text(page) == before
    select(page, "formulieren")
    page.get_by_role("button", name="Link").click()
    page.keyboard.type("https://example.org/f")
    assert "[formulieren](https://example.org/f)" in text(page)
    select(page, "MOZa Pulse")
    page.keyboard.press("Alt+g")
    page.keyboard.type("Inloop")
    assert text(page).rstrip().endswith("gepland\n* **Inloop**: datum")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert text(page).rstrip("\n").endswith("\n* ")
    page.keyboard.press("Enter")
    for _ in range(60):
        if text(page) == before:
            break
        page.keyboard.press("Control+z")
    assert text(page) == before


def paste(page, **kinds):
    """Paste content of several media types, such as `html` and `plain`, at the caret."""
    page.locator("#text").evaluate(
        "(area, kinds) => { const copied = new DataTransfer();"
        " for (const [kind, text] of Object.entries(kinds)) copied.setData(`text/${kind}`, text);"
        " area.focus(); area.dispatchEvent(new ClipboardEvent('paste',"
        " { clipboardData: copied, bubbles: true, cancelable: true })); }",
        kinds,
    )


def test_pasted_formatted_text_becomes_markdown_that_can_be_undone(editor):
    page = editor()
    before = text(page)
    select(page, "## Algemeen")
    page.keyboard.press("ArrowLeft")
    html = (
        "<meta charset='utf-8'><b style='font-weight:normal'><h2>Uit een document</h2>"
        "<p><span style='font-weight:700'>Nieuw</span>: zie <a href='https://example.org/plan'>het plan</a>.</p>"
        "<ul><li><p>Een</p></li><li><p>Twee</p></li></ul></b><script>alert(1)</script>"
    )
    change_and_wait(page, lambda: paste(page, html=html, plain="Uit een document"))
    written = "## Uit een document\n\n**Nieuw**: zie [het plan](https://example.org/plan).\n\n* Een\n* Twee\n"
    assert written in text(page)
    assert "## Algemeen" in text(page)
    assert "alert" not in text(page)
    mail_frame(page).get_by_role("heading", name="Uit een document").wait_for()
    page.keyboard.press("Control+z")
    assert text(page) == before


def test_a_url_pasted_over_selected_words_makes_them_a_link(editor):
    page = editor()
    select(page, "formulieren")
    paste(page, plain=" https://example.org/f_(1)\n", html="<a href='https://example.org/f_(1)'>x</a>")
    assert "[formulieren](<https://example.org/f_(1)>)" in text(page)
    select(page, "oliebollen")
    before = text(page)
    paste(page, plain="geen adres")
    assert text(page) == before


def test_the_mail_scrolls_to_the_caret_and_a_click_in_the_mail_moves_the_caret(editor, open_editor):
    page = editor(height=600)
    scroll = "document.querySelector('iframe.mail:not(.waiting)').contentWindow.scrollY"
    assert page.evaluate(scroll) == 0
    select(page, "Dag van de Gegevens 2026")
    page.wait_for_function(f"() => {scroll} > 300")
    row = mail_frame(page).get_by_text("Dag van de Gegevens 2026").first
    top = row.evaluate("element => element.getBoundingClientRect().top")
    assert 0 <= top <= page.evaluate("document.querySelector('iframe.mail').clientHeight")
    select(page, "oliebollen")
    page.wait_for_function(f"() => {scroll} < 500")
    for words, line in (
        ("de koffie staat klaar", "Het nieuwe jaar is begonnen"),
        ("Dag van de Gegevens 2026", "* **Dag van de Gegevens 2026**: 11 februari"),
        ("Profiel en berichten", "## Profiel en berichten"),
    ):
        mail_frame(page).get_by_text(words).last.click(position={"x": 2, "y": 2})
        page.wait_for_function(
            "line => { const area = document.querySelector('#text');"
            " return document.activeElement === area"
            " && area.value.slice(area.selectionStart, area.selectionEnd).includes(line); }",
            arg=line,
        )


def test_a_click_in_the_mail_opens_the_text_at_its_line(open_editor):
    page = open_editor()
    mail_frame(page).locator("p", has_text="de koffie staat klaar").click(position={"x": 2, "y": 2})
    page.wait_for_function(
        "() => { const area = document.querySelector('#text');"
        " return area.value.slice(area.selectionStart, area.selectionEnd).includes('koffie staat klaar'); }"
    )


def test_saving_is_shown_until_the_text_changes_again(editor):
    page = editor()
    select(page, "oliebollen")
    page.keyboard.type("wafels")
    page.keyboard.press("Control+s")
    saved = page.locator("#saved")
    saved.wait_for()
    assert saved.inner_text() == "Opgeslagen"
    page.keyboard.type("!")
    saved.wait_for(state="hidden")
    page.locator("#unsaved").wait_for()


def test_an_event_inserted_by_the_button_is_reported_until_it_has_a_title_and_a_date(editor):
    page = editor()
    select(page, "MOZa Pulse")
    page.keyboard.press("Alt+g")
    page.locator(".finding", has_text="een knop van de editor").wait_for()
    page.keyboard.type("Inloop")
    page.locator(".finding", has_text="datum").wait_for()


def test_the_status_chip_and_the_banner_agree_while_a_text_cannot_be_rendered(editor):
    page = editor()
    select(page, "## Algemeen")
    page.keyboard.type("<form>\n\n## Algemeen")
    page.locator("#problem .problem").wait_for()
    assert page.locator("#status").inner_text().strip() == "Kan nog niet getoond worden"
    assert page.locator("#found").is_hidden()
    page.get_by_text("De bevindingen komen hier").wait_for()
    for _ in range(40):
        page.keyboard.press("Control+z")
    page.locator("#problem .problem").wait_for(state="detached")
    page.locator("#status", has_text="Concept").wait_for()
    assert page.locator("#found").is_visible()


def test_the_front_matter_form_keeps_keys_that_it_does_not_show(editor, project):
    issue = project.path / ISSUE
    issue.write_text(issue.read_text().replace("date:", "tags: [a,  b] # blijft\ndate:"))
    page = editor()
    page.get_by_role("tab", name="Gegevens").click()
    assert "tags" in page.locator("#panel-form").inner_text()
    change_and_wait(page, lambda: page.get_by_label("Onderwerp").fill("Nieuws: de week van {{ name }}"))
    assert page.locator("#shown-subject").inner_text() == "Nieuws: de week van Lezer Voorbeeld"
    page.keyboard.press("Control+s")
    page.wait_for_function(CLEAN)
    saved = issue.read_text()
    assert "subject: 'Nieuws: de week van {{ name }}'\n---\n" in saved
    assert "tags: [a,  b] # blijft\n" in saved


def test_moving_parts_by_keyboard_and_by_dragging_is_announced(editor):
    page = editor()
    page.get_by_role("tab", name="Opbouw").click()
    page.locator(".part").first.wait_for()
    page.get_by_role("button", name="Profiel en berichten", exact=True).focus()
    change_and_wait(page, lambda: page.keyboard.press("Alt+ArrowUp"))
    assert page.evaluate("document.activeElement.textContent") == "Profiel en berichten"
    page.locator("#announcement", has_text="Profiel en berichten is nu nummer 1 van 3.").wait_for(
        state="attached"
    )
    headings = mail_frame(page).locator("h2").all_inner_texts()
    assert headings.index("Profiel en berichten") < headings.index("Algemeen")
    first, last = titles(page)[0], titles(page)[-1]
    parts = page.locator(".part.agenda .part")
    change_and_wait(page, lambda: parts.last.drag_to(parts.first))
    assert titles(page)[:2] == [last, first]
    page.get_by_role("button", name=f"Omlaag: {last}").click()
    page.wait_for_function(
        "last => [...document.querySelectorAll('.part.agenda .part .go')][1].textContent === last", arg=last
    )
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Omlaag: {last}"


def test_an_updated_outline_keeps_the_focus(editor, project):
    page = editor()
    page.get_by_role("tab", name="Opbouw").click()
    stood = page.get_by_role("button", name="Omhoog: Profiel en berichten", exact=True)
    stood.focus()
    issue = project.path / ISSUE
    issue.write_text(issue.read_text().replace("MOZa Pulse", "MOZa Polsslag"))
    page.get_by_role("button", name="MOZa Polsslag", exact=True).wait_for()
    assert stood.evaluate("button => button === document.activeElement")


def test_a_change_by_another_program_is_loaded_or_offered_and_never_overwritten(editor, project):
    page = editor()
    issue = project.path / ISSUE
    change_and_wait(page, lambda: issue.write_text(issue.read_text().replace("oliebollen", "van buiten")))
    assert "van buiten" in text(page)
    select(page, "van buiten")
    change_and_wait(page, lambda: page.keyboard.type("van mij"))
    outside = issue.read_text().replace("Klankbordgroep", "Luistergroep")
    issue.write_text(outside)
    dialog = page.get_by_role("dialog", name="Het bestand is intussen gewijzigd")
    dialog.wait_for()
    assert "van mij" in dialog.locator(".mine").first.inner_text()
    assert "van buiten" in dialog.locator(".theirs").first.inner_text()
    assert find_violations(page) == []
    dialog.get_by_role("button", name="Later kiezen").click()
    page.keyboard.press("Control+s")
    dialog.wait_for()
    assert issue.read_text() == outside
    dialog.get_by_role("button", name="Mijn tekst houden").click()
    page.wait_for_function(CLEAN)
    assert "van mij" in issue.read_text()
    assert "Luistergroep" not in issue.read_text()
    select(page, "van mij")
    page.keyboard.type("anders")
    page.wait_for_function(DIRTY)
    issue.write_text(outside)
    dialog.wait_for()
    dialog.get_by_role("button", name="Hun tekst nemen").click()
    page.wait_for_function(CLEAN)
    assert "Luistergroep" in text(page)
    assert issue.read_text() == outside


def test_a_deleted_file_can_be_saved_again_and_leaving_with_unsaved_text_asks(editor, project):
    page = editor()
    issue = project.path / ISSUE
    select(page, "oliebollen")
    page.keyboard.type("wafels")
    page.wait_for_function(DIRTY)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Postvak uit").click()
    assert asked == ["beforeunload"]
    assert "wafels" in text(page)
    issue.unlink()
    dialog = page.get_by_role("dialog", name="Het bestand is intussen gewijzigd")
    dialog.wait_for()
    dialog.get_by_role("button", name="Mijn tekst houden").click()
    page.wait_for_function(CLEAN)
    assert "wafels" in issue.read_text()


def test_a_click_on_a_finding_or_error_goes_to_its_line_in_the_text(editor, project):
    page = editor()
    select(page, "de documentatie](")
    page.keyboard.type("hier](")
    finding = page.locator(".finding", has_text="hier").first
    finding.wait_for()
    finding.click()
    chosen = "() => { const area = document.getElementById('text'); return area.value.slice(area.selectionStart, area.selectionEnd); }"
    assert page.evaluate(chosen).startswith("* **Documentatie bijgewerkt")
    assert page.evaluate("document.activeElement.id") == "text"
    top, height = page.evaluate(
        "() => { const a = document.getElementById('text'); return [a.scrollTop, a.clientHeight]; }"
    )
    assert top > 0
    assert height > 200
    select(page, "Architectuur")
    page.keyboard.type("{{< gallery 1 >}}")
    page.locator(".to-line").click()
    assert "gallery" in page.evaluate(chosen)


@pytest.mark.parametrize(("lang", "scheme"), [("nl", "dark"), ("en", "light")])
def test_the_editor_has_no_accessibility_problems(editor, lang, scheme):
    page = editor(lang=lang, scheme=scheme)
    for tab in ("#tab-write", "#tab-form", "#tab-outline"):
        page.click(tab)
        page.wait_for_timeout(300)
        assert find_violations(page) == [], tab
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert find_violations(page) == []
