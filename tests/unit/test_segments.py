"""Segments: reading their rules, matching subscribers, and errors with their place."""

from types import MappingProxyType

import pytest

from moza_mail import project
from moza_mail.errors import ProjectError
from moza_mail.model.address import Address
from moza_mail.model.segment import Segment, SegmentError
from moza_mail.model.subscriber import Subscriber

LISTS = """[weekly]
title = "Weekly"
sender = "weekly@example.org"
attributes = ["soort", "rol"]

[weekly.segments.gemeenten]
description = "Gemeenten, zonder wie stage loopt"
"""


def reader(
    at: str = "zoe@example.org", *, name: str = "Zoë", lang: str = "", **attributes: str
) -> Subscriber:
    return Subscriber(
        id=1, address=Address.parse(at), name=name, lang=lang, attributes=MappingProxyType(attributes)
    )


def holds(table: dict, one: Subscriber) -> bool:
    return Segment.parse("s", table, lang="nl").condition.matches(one)


@pytest.mark.parametrize(
    ("table", "those", "others"),
    [
        (
            {"attribute": "soort", "is": "gemeente"},
            [reader(soort="gemeente")],
            [reader(soort="Gemeente"), reader(), reader(soort="gemeente ")],
        ),
        (
            {"attribute": "soort", "is_not": "gemeente"},
            [reader(), reader(soort="rijk")],
            [reader(soort="gemeente")],
        ),
        ({"attribute": "soort", "one_of": ["a", "b"]}, [reader(soort="b")], [reader(soort="ab"), reader()]),
        (
            {"attribute": "soort", "begins_with": "Zuid_"},
            [reader(soort="Zuid_H")],
            [reader(soort="ZuidXH"), reader()],
        ),
        ({"attribute": "soort", "known": True}, [reader(soort="x")], [reader(), reader(soort=" \u00a0")]),
        ({"attribute": "soort", "known": False}, [reader(), reader(soort=" ")], [reader(soort="x")]),
        ({"attribute": "name", "begins_with": "Z"}, [reader()], [reader(name="A"), reader(name="")]),
        (
            {"domain": ["example.org", "BÜCHER.example"]},
            [reader(), reader("a@bücher.example")],
            [reader("a@mail.example.org"), reader("a@example.com")],
        ),
        ({"language": "en"}, [reader(lang="en"), reader(lang="en-GB")], [reader(), reader(lang="eng")]),
        ({"language": "nl"}, [reader(), reader(lang="nl")], [reader(lang="en")]),
        (
            {
                "all": [
                    {"attribute": "soort", "is": "a"},
                    {"not": {"any": [{"domain": "example.com"}, {"language": "en"}]}},
                ]
            },
            [reader(soort="a")],
            [reader("z@example.com", soort="a"), reader(soort="a", lang="en"), reader()],
        ),
    ],
)
def test_a_condition_selects_exactly_the_described_subscribers(table, those, others):
    assert [holds(table, one) for one in those] == [True] * len(those)
    assert [holds(table, one) for one in others] == [False] * len(others)


def test_a_segment_describes_its_rule_in_words():
    table = {
        "all": [
            {"any": [{"attribute": "soort", "one_of": ["a", "b"]}, {"domain": "example.org"}]},
            {"attribute": "rol", "is_not": "stagiair"},
            {"language": "en"},
            {"attribute": "rol", "known": True},
        ]
    }
    assert str(Segment.parse("s", table, lang="nl")) == (
        '(soort is "a" or "b" or the address is at "example.org") and not (rol is "stagiair") and the language is "en" and rol is known'
    )


DEEP: dict = {"attribute": "soort", "is": "a"}
for _ in range(9):
    DEEP = {"not": DEEP}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "there is none of them"),
        ({"soort": "gemeente"}, "there is none of them"),
        ({"attribute": "a", "is": "b", "domain": "example.org"}, "`attribute` and `domain`"),
        ({"attribute": "a"}, "beside `attribute` stands one of"),
        ({"attribute": "a", "is": "b", "one_of": ["c"]}, "beside `attribute` stands one of"),
        ({"attribute": "a", "equals": "b"}, "`equals` is not a known key"),
        ({"attribute": "a", "is": 3}, "must be a text between quotes, and is 3"),
        ({"attribute": "a", "is": ""}, "known = false"),
        ({"attribute": "a", "one_of": []}, "1 to 1000 values"),
        ({"attribute": "a", "known": "ja"}, "true or false"),
        ({"attribute": 'a"', "is": "b"}, "cannot name an attribute"),
        ({"domain": "geen domein"}, "is not a domain"),
        ({"all": []}, "must be a list of conditions"),
        ({"all": {"attribute": "a", "is": "b"}}, "must be a list of conditions"),
        ({"any": ["gemeente"]}, "must be a condition"),
        ({"not": [{"attribute": "a", "is": "b"}]}, "must be a condition"),
        ({"description": 3, "domain": "example.org"}, "`description`"),
        (DEEP, "at most 8 deep"),
    ],
)
def test_an_invalid_condition_is_refused_with_a_reason(table, says):
    with pytest.raises(SegmentError, match=says):
        Segment.parse("s", table, lang="nl")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "moza-mail.toml").write_text("")
    return tmp_path


def lists(folder, text: str):
    (folder / "subscribers" / "lists.toml").write_text(text)
    return project.find_project(folder).read_list("weekly")


def test_segments_are_read_from_the_table_of_their_list(folder):
    text = (
        LISTS
        + 'all = [\n  { attribute = "soort", is = "gemeente" },\n  { attribute = "rol", is_not = "stagiair" },\n]\n'
    )
    found = lists(folder, text).segments["gemeenten"]
    assert found.description == "Gemeenten, zonder wie stage loopt"
    assert found.condition.matches(reader(soort="gemeente"))
    assert not found.condition.matches(reader(soort="gemeente", rol="stagiair"))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            'attribute = "sort"\nis = "x"\n',
            "line 6: [weekly.segments.gemeenten]: there is no attribute `sort`",
        ),
        (
            'attribute = "soort"\ngelijk = "x"\n',
            "line 6: [weekly.segments.gemeenten]: `gelijk` is not a known key",
        ),
        (
            'domain = "example.org"\n[weekly.segments."Rijk en Zo"]\n',
            "[weekly.segments.Rijk en Zo]: the name is not allowed",
        ),
    ],
)
def test_an_unusable_segment_is_reported_with_its_line(folder, rows, says):
    with pytest.raises(ProjectError) as caught:
        lists(folder, LISTS + rows)
    assert says in caught.value.message
