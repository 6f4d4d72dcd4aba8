"""The report of a mailing in the editor, in Chromium: each recipient once, the same counts as `status`, accessible."""

import asyncio
import re

import pytest

from moza_mail.model.bounce import Bounce, BounceKind, BounceProof
from moza_mail.model.subscriber import Suppression, SuppressionReason
from moza_mail.store import open_store
from tests.support.editor import serve_editor
from tests.support.editor_in_browser import find_violations
from tests.support.project_folder import folder
from tests.support.store_builders import (
    ACCEPTED,
    DEFERRED,
    NOW,
    REFUSED,
    UNCERTAIN,
    make_mailing,
    record_intents,
    record_outcome,
)

READERS = 60
DOMAINS = 18


@pytest.fixture(scope="module")
def mailing_with_outcomes(tmp_path_factory):
    """Create a project with a mailing that has every kind of outcome, and its `status`, before any browser runs."""
    here = folder(tmp_path_factory.mktemp("report"))
    rows = "".join(
        f"lezer{number}@een-heel-lang-domein-{number % DOMAINS}.example.org\n" for number in range(READERS)
    )
    (here.path / "readers.csv").write_text(f"email\n{rows}")
    assert here.run("subscribers", "import", "--yes", "readers.csv", "--consent", "test").code == 0
    asyncio.run(record_everything(f"sqlite:///{here.path}/subscribers/moza-mail.db"))
    return here, here.run("status", "--json", "--domains").json


async def record_everything(url):
    store = await open_store(url)
    try:
        mailing = await store.ledger.create_mailing(make_mailing())
        for subscriber in range(1, 5):
            await store.subscribers.unsubscribe(subscriber, "weekly", now=NOW)
        people = {each.id: each.address async for each, _ in store.subscribers.iter_list("weekly")}
        await store.suppressions.add(
            Suppression(address=people[5], reason=SuppressionReason.MANUAL, created_at=NOW, evidence="asked")
        )
        batch = await store.ledger.claim(mailing.id, limit=READERS, now=NOW)
        await record_intents(store, *(each.id for each in batch))
        others = (UNCERTAIN, UNCERTAIN, DEFERRED, DEFERRED, DEFERRED, REFUSED)
        for number, each in enumerate(batch):
            await record_outcome(store, each.id, others[number] if number < len(others) else ACCEPTED)
        came_back = (BounceKind.HARD, BounceKind.SOFT, BounceKind.POLICY, BounceKind.COMPLAINT)
        for each, kind in zip(batch[10:], came_back, strict=False):
            sent = await store.bounces.find_delivery(mailing.id, each.subscriber_id)
            report = Bounce(
                digest=kind, kind=kind, created_at=NOW, sent_message=sent, proof=BounceProof.RETURN_ADDRESS
            )
            await store.bounces.record(report)
        await store.subscribers.unsubscribe(batch[21].subscriber_id, "weekly", now=NOW)
    finally:
        await store.close()


@pytest.fixture(scope="module")
def editor_url(mailing_with_outcomes):
    with serve_editor(mailing_with_outcomes[0]) as url:
        yield url


@pytest.fixture(scope="module")
def open_report(mailing_with_outcomes, editor_url, browser):
    """Return a function that opens the report, by default without scripts."""
    contexts = {}

    def open_report(*, script=False):
        if script not in contexts:
            contexts[script] = browser.new_context(locale="nl", java_script_enabled=script)
            page = contexts[script].new_page()
            page.goto(editor_url)
            page.wait_for_url(lambda address: "key=" not in address)
        page = contexts[script].pages[0]
        page.goto(f"{editor_home(editor_url)}/status")
        return page

    yield open_report
    for context in contexts.values():
        context.close()


def editor_home(url):
    return re.match(r"http://[^/]+", url)[0]


def read_counts(page, rows):
    """Return the second cell of each row by its first."""
    return {
        row.locator("th").inner_text(): int(row.locator("td").first.inner_text())
        for row in page.locator(rows).all()
    }


def test_every_recipient_is_in_one_row_and_the_counts_equal_those_of_status(
    mailing_with_outcomes, open_report
):
    _, status = mailing_with_outcomes
    page = open_report()
    table = read_counts(page, ".sums tbody:first-of-type tr")
    assert table.pop("Samen") == status["audience"] == sum(table.values())
    assert table == {
        "Aangenomen": status["states"]["accepted"],
        "Uitgesteld": 3,
        "Geweigerd": 1,
        "Overgeslagen: afgemeld": 4,
        "Overgeslagen: adres geblokkeerd": 1,
        "Onzeker: iemand moet beslissen": status["states"]["uncertain"],
    }
    since = read_counts(page, ".sums tbody:last-of-type tr:not(.since)")
    assert since.pop("Sindsdien afgemeld") == status["left"]
    assert sorted(since.values()) == sorted(count for count in status["reports"].values() if count)
    domains = read_counts(page, ".domains tbody tr")
    assert sum(domains.values()) == status["audience"]
    assert len(domains) == 16
    assert f"Andere domeinen ({len(status['domains']) - 15})" in domains


def test_a_screen_reader_gets_the_table_and_no_bar_is_too_long(open_report):
    page = open_report()
    tree = page.locator("main").aria_snapshot()
    assert 'row "Uitgesteld 3 5,0 %"' in tree
    assert "img" not in tree
    bars = page.locator(".sums rect").all()
    assert len(bars) == page.locator(".sums tbody tr:not(.sum, .since)").count()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "wide"


@pytest.mark.parametrize(("lang", "scheme", "width"), [("nl", "light", 320), ("en", "dark", 390)])
def test_the_report_has_no_accessibility_problems_and_fits_a_small_screen(open_report, lang, scheme, width):
    page = open_report(script=True)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{editor_home(page.url)}/choose?lang={lang}&to=/status")
    page.goto(f"{editor_home(page.url)}/choose?scheme={scheme}&to=/status")
    assert page.locator("html").get_attribute("lang") == lang
    assert page.locator("html").get_attribute("data-scheme") == scheme
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    hidden = page.evaluate(
        "[...document.querySelectorAll('.sums tr > *')].filter(e => e.getBoundingClientRect().right > innerWidth)"
    )
    assert hidden == []
