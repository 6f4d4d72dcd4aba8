"""A second process that reads along: who asks gets what one process alone would give, whatever becomes of the other."""

import os
import signal
import time
from dataclasses import replace
from functools import partial
from multiprocessing import active_children
from types import MappingProxyType

import pytest

from moza_mail import parse
from moza_mail.cli import ahead
from moza_mail.errors import IssueError
from tests.end_to_end.test_archive import build, files
from tests.support.child_process import child, output_of
from tests.support.project_folder import ISSUE, ROOT, folder

TEXT = """---
title: Weekly {number}, voor {{{{ name | default("iedereen") }}}}
date: 2026-01-14
send_at: 2026-01-14 09:00 Europe/Amsterdam
tags: [een, twee]
---

## Nieuws

* **Nieuw:** dag {{{{ name }}}}, lees [het verslag](https://example.org/{number}).
"""
SPAWNED = """
import multiprocessing, os
from functools import partial
from moza_mail import parse
from moza_mail.cli import ahead
from tests.end_to_end.test_parse_ahead import TEXT, read_slowly

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    ahead._cores = lambda: 2
    texts = {f"{number}.md": TEXT.format(number=number) for number in range(100)}
    with ahead.reading(texts, partial(read_slowly, os.getpid())) as issues:
        found = [issues.issue(text, source) for source, text in texts.items()]
    alone = [parse.issue(text, source) for source, text in texts.items()]
    print(found == alone, "helped" if read_slowly.here < len(texts) else "alone")
"""


def read_slowly(first, text, source):
    """Reads; slowly in the first process, so that the other one does most."""
    if os.getpid() == first:
        read_slowly.here += 1
        time.sleep(0.05)
    return parse.issue(text, source)


read_slowly.here = 0


def marked(text, source):
    issue = parse.issue(text, source)
    return replace(issue, extra=MappingProxyType({**issue.extra, "by": os.getpid()}))


def slowly(text, source, *, first, read=marked):
    if os.getpid() == first:
        time.sleep(0.01)
    return read(text, source)


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(ahead, "_cores", lambda: 2)


@pytest.fixture
def texts():
    return {f"issues/{number}.md": TEXT.format(number=number) for number in range(ahead.FEWEST)}


@pytest.mark.usefixtures("two_cores")
class TestReadingAhead:
    def test_what_another_process_read_is_what_this_one_reads(self, texts):
        read = partial(slowly, first=os.getpid())
        with ahead.reading(texts, read) as issues:
            found = [issues.issue(text, source) for source, text in texts.items()]

        readers = [issue.extra["by"] for issue in found]
        assert len(set(readers)) == 2, "the second process has read nothing"
        for issue, (source, text) in zip(found, texts.items(), strict=True):
            alone = parse.issue(text, source)
            assert issue == replace(alone, extra=MappingProxyType({**alone.extra, "by": issue.extra["by"]}))
            with pytest.raises(TypeError):
                issue.extra["by"] = 0
        assert not active_children()

    def test_a_mistake_in_an_issue_is_told_whole(self, texts):
        last = list(texts)[-1]
        texts[last] += "\n[weg](javascript:alert)\n"
        read = partial(slowly, first=os.getpid(), read=parse.issue)
        with ahead.reading(texts, read) as issues:
            for source, text in list(texts.items())[:-1]:
                issues.issue(text, source)
            with pytest.raises(IssueError) as error:
                issues.issue(texts[last], last)

        assert error.value.source == last
        assert error.value.line == texts[last].count("\n")
        assert "javascript:" in error.value.quoted
        assert error.value.hint

    def test_a_file_that_was_edited_meanwhile_is_read_as_it_is_now(self, texts):
        read = partial(slowly, first=os.getpid(), read=parse.issue)
        with ahead.reading(texts, read) as issues:
            found = [issues.issue(text + "\nErbij.\n", source) for source, text in texts.items()]

        assert found == [parse.issue(text + "\nErbij.\n", source) for source, text in texts.items()]

    def test_a_second_process_that_is_killed_costs_nothing_but_time(self, texts):
        with ahead.reading(texts, parse.issue) as issues:
            (helper,) = active_children()
            os.kill(helper.pid, signal.SIGKILL)
            found = [issues.issue(text, source) for source, text in texts.items()]

        assert found == [parse.issue(text, source) for source, text in texts.items()]

    def test_it_ends_with_the_first_however_that_ends(self, texts):
        read = partial(slowly, first=0)
        with pytest.raises(KeyboardInterrupt), ahead.reading(texts, read):
            raise KeyboardInterrupt

        assert not active_children()

    def test_it_works_where_processes_begin_from_nothing_as_on_macos(self):
        assert output_of(child(SPAWNED)).split() == ["True", "helped"]


class TestWithoutHelp:
    def test_few_issues_and_a_single_core_need_no_second_process(self, texts, monkeypatch):
        monkeypatch.setattr(ahead, "_cores", lambda: 1)
        with ahead.reading(texts, parse.issue):
            assert not active_children()
        monkeypatch.setattr(ahead, "_cores", lambda: 2)
        with ahead.reading(dict(list(texts.items())[1:]), parse.issue):
            assert not active_children()

    def test_a_system_that_gives_no_more_processes_is_done_without(self, texts, monkeypatch):
        def none_left():
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(ahead, "_cores", lambda: 2)
        monkeypatch.setattr(os, "fork", none_left)
        with ahead.reading(texts, parse.issue) as issues:
            source, text = next(iter(texts.items()))
            assert issues.issue(text, source) == parse.issue(text, source)


def test_an_archive_is_the_same_to_the_byte_by_one_process_and_by_two(tmp_path, monkeypatch):
    project = folder(tmp_path)
    sample = (ROOT / ISSUE).read_text(encoding="utf-8")
    for number in range(ahead.FEWEST):
        day = f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}"
        (tmp_path / f"issues/{number:03}.md").write_text(sample.replace("date: 2026-01-14", f"date: {day}"))
    monkeypatch.setattr(ahead, "_cores", lambda: 1)
    build(project, "--all-before", "2026-01-20")
    alone = files(tmp_path / "site")
    (tmp_path / "site").rename(tmp_path / "alone")

    monkeypatch.setattr(ahead, "_cores", lambda: 2)
    build(project, "--all-before", "2026-01-20")

    assert files(tmp_path / "site") == alone
    assert len(alone) > ahead.FEWEST
