"""The preview of the editor in Chromium: changes while the author writes, and use by keyboard alone."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.support.editor_in_browser import (
    SHOWN,
    change_and_wait,
    find_violations,
    mail_frame,
    open_editor,
    project,
)
from tests.support.project_folder import ISSUE

__all__ = ["open_editor", "project"]


def test_saving_the_issue_or_a_template_updates_the_mail_and_keeps_the_scroll_position(open_editor, project):
    page = open_editor()
    issue = project.path / ISSUE
    page.evaluate("document.querySelector('iframe.mail').contentWindow.scrollTo(0, 700)")
    change_and_wait(page, lambda: issue.write_text(issue.read_text().replace("oliebollen", "appelflappen")))
    assert "appelflappen" in mail_frame(page).locator("body").inner_text()
    assert page.evaluate("document.querySelector('iframe.mail').contentWindow.scrollY") == 700
    assert page.locator("iframe.mail").count() == 1
    partials = project.path / "templates/moza/partials"
    partials.mkdir(parents=True)
    time.sleep(0.2)
    change_and_wait(
        page, lambda: (partials / "footer.txt").write_text("Een eigen voet. {{ unsubscribe_url }}")
    )
    page.get_by_role("tab", name="Tekst").click()
    page.get_by_text("Een eigen voet.").wait_for()


def test_an_error_is_shown_with_its_place_above_the_last_good_mail_until_it_is_fixed(open_editor, project):
    page = open_editor()
    issue = project.path / ISSUE
    good = issue.read_text()
    issue.write_text(good.replace("title: MOZa", "title: MOZa: de"))
    trouble = page.locator("#problem .problem")
    trouble.wait_for()
    assert f"{ISSUE}, regel 2" in trouble.inner_text()
    assert "oliebollen" in mail_frame(page).locator("body").inner_text()
    change_and_wait(page, lambda: issue.write_text(good.replace("oliebollen", "wafels")))
    assert trouble.count() == 0
    assert "wafels" in mail_frame(page).locator("body").inner_text()


@pytest.mark.parametrize("is_editing", [False, True])
def test_the_controls_of_the_preview_are_in_one_row_and_fit(open_editor, is_editing):
    page = open_editor()
    if is_editing:
        page.keyboard.press("Alt+e")
        page.locator("#text").wait_for()
    for width in (1280, 800, 375):
        page.set_viewport_size({"width": width, "height": 900})
        row = page.locator("#looks").bounding_box()
        boxes = [each.bounding_box() for each in page.locator("#looks fieldset, #looks .tick").all()]
        middles = {round(box["y"] + box["height"] / 2) for box in boxes}
        assert max(middles) - min(middles) <= 2, width
        assert all(
            box["x"] >= row["x"] and box["x"] + box["width"] <= row["x"] + row["width"] + 0.5 for box in boxes
        ), width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_preview_has_every_width_and_every_view(open_editor):
    page = open_editor()
    for width in ("375", "640", "800"):
        page.locator(f"input[name=width][value='{width}']").check()
        assert page.evaluate("document.querySelector('iframe.mail').contentWindow.innerWidth") == int(width)
    card = mail_frame(page).locator(".card").first

    def back():
        return card.evaluate("e => getComputedStyle(e).backgroundColor")

    shown = []
    for scheme in ("dark", "forced", "light"):
        page.locator(f"input[name=scheme][value={scheme}]").check()
        page.wait_for_function(
            "scheme => document.querySelector('iframe.mail:not(.waiting)').src.includes(scheme)", arg=scheme
        )
        shown.append(back())
    assert shown[0] == "rgb(18, 27, 46)"
    assert shown[2] == "rgb(255, 255, 255)"
    assert shown[1] not in {shown[0], shown[2]}
    page.get_by_role("checkbox", name="Stijlen").uncheck()
    page.wait_for_function(
        "() => document.querySelector('iframe.mail:not(.waiting)').src.includes('styles=off')"
    )
    assert mail_frame(page).locator("style").count() == 0
    page.get_by_role("checkbox", name="Beelden").uncheck()
    page.wait_for_function(
        "() => document.querySelector('iframe.mail:not(.waiting)').src.includes('images=off')"
    )
    page.reload()
    assert not page.get_by_role("checkbox", name="Beelden").is_checked()


def test_the_mail_runs_no_script_and_its_dark_view_equals_a_dark_browser(open_editor, browser):
    page = open_editor()
    page.locator("input[name=scheme][value=dark]").check()
    page.wait_for_function("() => document.querySelector('iframe.mail:not(.waiting)').src.includes('dark')")
    colours = """() => [...document.body.querySelectorAll('*')].map((e) => {
        const style = getComputedStyle(e); return [e.tagName, style.color, style.backgroundColor]; })"""
    frame = page.frames[1]
    ours = frame.evaluate(colours)
    html = page.evaluate(
        "async (key) => (await fetch(`/mail/${key}?scheme=light`)).text()", page.evaluate(SHOWN)
    )
    html = html.replace("(max-width: 0)", "(prefers-color-scheme: dark)").replace(
        'content="light"', 'content="light dark"'
    )
    other = browser.new_context(color_scheme="dark", offline=True).new_page()
    other.set_content(html.replace("color-scheme: light;", "color-scheme: light dark;"))
    assert len(ours) > 100
    assert other.evaluate(colours) == ours
    other.context.close()
    sandbox = page.locator("iframe.mail").get_attribute("sandbox")
    assert "allow-scripts" not in sandbox


def test_a_click_on_a_finding_shows_its_place_in_the_mail_and_a_fix_removes_it(open_editor, project):
    page = open_editor()
    issue = project.path / ISSUE
    good = issue.read_text()
    change_and_wait(page, lambda: issue.write_text(good.replace("[de documentatie](", "[hier](")))
    finding = page.locator(".finding", has_text="hier").first
    finding.wait_for()
    finding.click()
    pointed = mail_frame(page).locator(".editor-pointed-at")
    assert pointed.inner_text().startswith(
        "Goede voornemens zijn er om na te komen. Daarom is hier opgeruimd"
    )
    change_and_wait(page, lambda: issue.write_text(good))
    page.locator(".finding", has_text="hier").wait_for(state="detached")


def test_a_test_copy_arrives_in_the_outbox_and_can_be_read_there(open_editor, project):
    page = open_editor(lang="en")
    page.get_by_role("button", name="Send me a test").click()
    page.get_by_label("To which address").fill("geen adres@x")
    page.get_by_label("To which address").fill("Redactie@Example.org")
    page.keyboard.press("Enter")
    page.locator("#test-result", has_text="Nobody gets it by mail.").wait_for()
    (message,) = project.outbox()
    assert message["Subject"].startswith("[TEST] ")
    assert message["To"] == "Redactie@example.org"
    page.get_by_role("link", name="Open the copy").click()
    page.get_by_role("heading", level=1, name="[TEST] MOZa Weekly").wait_for()
    assert "oliebollen" in mail_frame(page).locator("body").inner_text()
    page.get_by_role("link", name="Headers").click()
    page.get_by_role("rowheader", name="List-Unsubscribe-Post").wait_for()
    page.get_by_role("link", name="Text", exact=True).click()
    page.locator("pre", has_text="Algemeen -------- ").wait_for()


def test_the_preview_for_a_recipient_shows_their_name_but_not_their_links(open_editor, project):
    issue = project.path / ISSUE
    issue.write_text(issue.read_text().replace("## Algemeen", "Dag {{ name }},\n\n## Algemeen"))
    (project.path / "readers.csv").write_text("email,name\nzoe@example.org,Zoë Ondernemer\n")
    arguments = ("subscribers", "import", "--yes", "readers.csv", "--list", "weekly", "--consent", "test")
    subprocess.run(**project.command(*arguments), check=True, capture_output=True)
    page = open_editor()
    assert "Dag Lezer Voorbeeld," in mail_frame(page).locator("body").inner_text()
    leave = mail_frame(page).get_by_role("link", name="Afmelden")
    invented = leave.get_attribute("href")
    field = page.get_by_label("Als lezer")
    field.fill("ondern")
    page.locator("#readers option").wait_for(state="attached")
    assert page.locator("#readers option").get_attribute("value") == "zoe@example.org"

    def choose():
        field.fill("zoe@example.org")
        field.press("Tab")

    change_and_wait(page, choose)
    assert "Dag Zoë Ondernemer," in mail_frame(page).locator("body").inner_text()
    assert leave.get_attribute("href") == invented


def test_everything_can_be_done_by_keyboard(open_editor):
    page = open_editor()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Naar de mail"
    page.keyboard.press("Alt+w")
    assert page.locator("input[name=width]:checked").get_attribute("value") == "800"
    page.keyboard.press("Alt+l")
    assert page.locator("input[name=scheme]:checked").get_attribute("value") == "dark"
    page.keyboard.press("Alt+2")
    assert page.evaluate("document.activeElement.id") == "tab-text"
    page.locator("#panel-text pre", has_text="Algemeen").wait_for()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-source"
    page.locator("#panel-source pre", has_text="MIME-Version").wait_for()
    page.keyboard.press("Alt+1")
    page.keyboard.press("F8")
    assert "finding" in page.evaluate("document.activeElement.className")
    page.keyboard.press("Alt+h")
    assert page.get_by_role("dialog", name="Toetsen").is_visible()
    page.keyboard.press("Escape")
    assert "finding" in page.evaluate("document.activeElement.className")


# Two combinations are enough, because the colours do not depend on the language.
@pytest.mark.parametrize(("lang", "scheme"), [("nl", "light"), ("en", "dark")])
def test_the_preview_has_no_accessibility_problems(open_editor, project, lang, scheme):
    page = open_editor(lang=lang, scheme=scheme)
    issue = project.path / ISSUE
    change_and_wait(
        page,
        lambda: issue.write_text(issue.read_text().replace("[de documentatie](", "[hier](")),
    )
    page.locator(".finding", has_text="hier").first.wait_for()
    assert find_violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert find_violations(page) == []
    page.keyboard.press("Alt+h")
    assert find_violations(page) == []
    page.keyboard.press("Escape")
    issue.write_text("geen nummer")
    page.locator("#problem .problem").wait_for()
    assert find_violations(page) == []
    page.goto(page.url.partition("/issue/")[0] + "/outbox")
    assert find_violations(page) == []


def test_the_mail_the_text_version_and_the_findings_are_shown_without_scripts(open_editor):
    page = open_editor(script=False, lang="en")
    assert "oliebollen" in mail_frame(page).locator("body").inner_text()
    assert page.get_by_role("heading", name="Findings").is_visible()
    assert "Algemeen\n--------" in page.locator("pre:visible").inner_text()
    assert page.get_by_role("button", name="Send me a test").count() == 0
    page.get_by_role("link", name="375 px").click()
    assert mail_frame(page).locator("body").evaluate("() => innerWidth") <= 375


def test_the_browser_opens_a_private_file_and_no_command_argument_contains_the_key(browser, project):
    opener = project.path / "opener"
    opener.write_text(
        f'#!/bin/sh\necho "$1" > "{project.path}/opened.part"; mv "{project.path}/opened.part" "{project.path}/opened"\n'
    )
    opener.chmod(0o700)
    command = project.command("preview", ISSUE, BROWSER=str(opener))
    process = subprocess.Popen(**command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        opened = project.path / "opened"
        deadline = time.monotonic() + 60
        while not opened.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = opened.read_text().strip()
        entry = Path(address.removeprefix("file://"))
        assert address.startswith("file://")
        assert entry.stat().st_mode & 0o777 == 0o600
        page = browser.new_page()
        page.goto(address)
        page.locator("iframe.mail").wait_for()
        assert "key=" not in page.url
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert not entry.exists()
