"""Reading an issue takes time in proportion to its length, also for text that no person writes."""

import gc
from contextlib import suppress
from time import process_time

import pytest

from moza_mail import parse
from moza_mail.errors import IssueError
from moza_mail.parse.dates import find_dates
from moza_mail.subscriber_file.headings import find_role
from tests.support.examples import thin_out

HEAD = "---\ntitle: Weekbericht\ndate: 2026-01-14\n---\n## Agenda\n\n"
pytestmark = pytest.mark.slow
LENGTH = 4000
ATTEMPTS = 25
PATTERNS = [
    "{{ name }} ", "![", "[", "](", "*", "_", "`", "~~", "<a>", "<b>", "</b>", "<!--", "&amp;", "http://a.example/", "www.a.example ",
    "a@b.example ", ":", ": ", ":tada:", "{", "{{", "{%", "{% x", "{{< x ", "{: .x}", "- [ ] a\n", "> ", "| a ", "|a|b|\n", "# a\n",
    "## Agenda\n\n", "* a: 3 februari\n", "3 februari ", "3-2-2026 ", "om 14:00 ", "2:00 pm - ", "januari ", "- ", "1. a\n", "[^1]",
    "[^1]: x\n", "^x^", "~x~", "[a](b)", "[a][b] ", "[a]: b\n", ":::note\n", "!!! note\n", "Term\n: x\n", "<div>\n", "<table>", "<svg>",
    "\\", "(", "***", "**a", "a**", "_a ", "a.b.c.d/", "@", "  \n", "di 3 feb. ", "`a", "~~~\n", "wwww.", "://", "](<", "&", "![a](b) ",
    "[![", "<img src=x>", "<a href=x>", "<script src=x></script>", "> [!NOTE]\n", "{% raw %}", "{{ site.url }} ",
]  # fmt: skip


def processor_time(pattern: str, length: int) -> float:
    """Return the processor time of reading a text of one repeated pattern, refused or not."""
    text = f"{HEAD}{(pattern * (length // len(pattern) + 1))[:length]}\n"
    # Without this, dates of the previous measurement would come from the cache.
    find_dates.cache_clear()
    began = process_time()
    with suppress(IssueError):
        parse.parse_issue(text, "x.md")
    return process_time() - began


@pytest.fixture(autouse=True)
def without_garbage_collection():
    """Turn off garbage collection, because its time depends on all objects of the process."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def assert_linear(measure, pattern):
    """Fail if a text of twice the length takes three times as long."""
    measure(pattern, 100)
    once, twice = float("inf"), float("inf")
    # The shortest of several times counts, because other work on the machine only adds time. Times below 2 ms are too short
    # to compare.
    for _ in range(ATTEMPTS):
        once = min(once, measure(pattern, LENGTH))
        twice = min(twice, measure(pattern, 2 * LENGTH))
        if twice < max(3 * once, 0.002):
            return
    pytest.fail(f"{twice * 1000:.1f} ms for twice the length, {once * 1000:.1f} ms for once")


@pytest.mark.parametrize("pattern", thin_out(PATTERNS, quick=15))
def test_twice_the_length_takes_less_than_three_times_as_long(pattern):
    assert_linear(processor_time, pattern)


@pytest.mark.parametrize("pattern", ["c1;", "date of consent ", "not double optin ", "un", "verif "])
def test_a_column_heading_of_any_length_is_read_in_linear_time(pattern):
    def measure(pattern, length):
        heading = (pattern * length)[:length]
        begin = process_time()
        find_role.__wrapped__(heading)
        return process_time() - begin

    assert_linear(measure, pattern)
