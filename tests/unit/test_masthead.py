"""The headings above an issue say its name once."""

from datetime import date

import pytest

from moza_mail.render.masthead import make_masthead
from tests.support import builders as build


@pytest.mark.parametrize(
    "title",
    [
        "MOZa Weekly 14 januari 2026",
        "MOZa Weekly, woensdag 14 januari",
        "MOZa Weekly",
        "Weekly 14-01-2026",
        "Nieuwsbrief van 14 januari 2026",
        "MOZa Weekly week 3",
        "Weekbrief 14 januari 2026",
        "Weekbericht 14 januari",
        "MOZa Weekly – January 2026",
    ],
)
def test_a_title_with_only_name_and_date_is_replaced_by_the_name_of_the_list(title):
    made = make_masthead(build.issue(title=title), "MOZa Weekly")
    assert (made.title, made.name, made.is_own) == ("MOZa Weekly", "", False)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("De profielservice is open", "MOZa Weekly"),
        ("MOZa Weekly: de profielservice is open", ""),
        ("MOZa Weekly 12", ""),
        ("MOZa Weekly 21 januari 2026", ""),
        ("Zomer", "MOZa Weekly"),
    ],
)
def test_another_title_is_the_headline(title, name):
    dates = (date(2026, 1, 21),) if "21 januari" in title else ()
    made = make_masthead(build.issue(title=title, title_dates=dates), "MOZa Weekly")
    assert (made.title, made.name, made.is_own) == (title, name, True)


def test_without_a_list_name_only_the_title_is_shown():
    assert make_masthead(build.issue(title="Nieuws 14 januari"), "").title == "Nieuws 14 januari"
