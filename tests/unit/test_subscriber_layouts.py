"""Lists without a header: dumps of list servers, tables, comments, and groups of people in one file."""

import io

import pytest

from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file import (
    ColumnAnswers,
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
)
from moza_mail.subscriber_file.answers import parse_status


def read(content: str, name: str = "lezers.txt", **answers) -> list[NewSubscriber]:
    options = SubscriberFileOptions(consent="formulier", answers=ColumnAnswers(**answers))
    return list(SubscriberFile(lambda: io.StringIO(content, newline=""), name, options))


def found(content: str, **more) -> list[tuple[int, str, str, str]]:
    return [(row.line, str(row.address), row.name, row.state.value) for row in read(content, **more)]


def test_a_listserv_list_with_its_header_is_read():
    content = (
        "*\n* Weekly nieuws\n*\n* Subscription= Open,Confirm\n* Owner= boss@example.org (De Baas)\n* Auto-Delete= Yes\n*\n"
        "anna@example.org Anna de Vries\nbob@example.org  Bob\n*\n* Total number of users subscribed to the list:  2\n"
    )
    assert found(content) == [
        (8, "anna@example.org", "Anna de Vries", "confirmed"),
        (9, "bob@example.org", "Bob", "confirmed"),
    ]


def test_a_sympa_dump_is_read_with_the_reception_of_each_subscriber():
    content = (
        "date 1600000000\nemail anna@example.org\ngecos Anna A\nreception mail\nsubscribed 1\nvisibility noconceal\n\n"
        "email bob@example.org\nreception nomail\nsubscribed 1\n\n"
        "email cleo@example.org\nreception digest\nsuspend 1\n"
    )
    rows = read(content, name="member.dump")
    assert [(row.line, str(row.address), row.name) for row in rows] == [
        (1, "anna@example.org", "Anna A"),
        (8, "bob@example.org", ""),
        (12, "cleo@example.org", ""),
    ]
    assert [row.suppression or row.state for row in rows] == ["confirmed", "unsubscribed", "manual"]
    assert rows[0].since.isoformat() == "2020-09-13T12:26:40+00:00"


@pytest.mark.parametrize("separator", ["\t", ";", ",", "|"])
def test_a_table_without_a_header_is_read(separator):
    lines = ["Zoë:anna@example.org:Gouda", "Ben:bob@example.org:Delft"]
    content = "".join(line.replace(":", separator) + "\n" for line in lines)
    assert found(content) == [
        (1, "anna@example.org", "", "confirmed"),
        (2, "bob@example.org", "", "confirmed"),
    ]
    assert [row.name for row in read(content, columns={"name": "column 1"})] == ["Zoë", "Ben"]


def test_in_a_table_without_a_header_unsubscribed_people_are_recognised():
    content = "anna@example.org\tsubscribed\nbob@example.org\tunsubscribed\n"
    assert [row[3] for row in found(content)] == ["confirmed", "unsubscribed"]
    with pytest.raises(SubscriberFileError, match="`column 2`"):
        read("anna@example.org\tja\nbob@example.org\tnee\n")


def test_comments_above_and_among_the_addresses_are_left_out():
    content = "# mijn lijst\n\nanna@example.org\n#bob@example.org\n// oud\ncleo@example.org\n"
    assert [row[:2] for row in found(content)] == [(3, "anna@example.org"), (6, "cleo@example.org")]
    assert found("# Exported 2024\nemail;naam\nanna@example.org;A\n") == [
        (3, "anna@example.org", "A", "confirmed")
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("anna@example.org\nbob@example.org\n\nDeze twee zijn afgemeld\n", 4),
        ("email\nanna@example.org\nbob@example.org (opgezegd)\n", 3),
        ("email\nanna@example.org\nUnsubscribed Bob <bob@example.org>\n", 3),
    ],
)
def test_a_group_of_unsubscribed_people_in_a_list_stops_the_import(content, line):
    with pytest.raises(SubscriberFileError, match=rf", line {line}: .*may mean that people left"):
        read(content)
    assert {
        row.state.value
        for row in read(content, status=parse_status(["*=unsubscribed"]))
        if isinstance(row, NewSubscriber)
    } == {"unsubscribed"}


def test_a_title_above_a_group_is_about_the_people_below_it():
    content = "AANGEMELD:\nanna@example.org\n\nAFGEMELD:\nbob@example.org\n\nADRES BESTAAT NIET MEER:\ncleo@example.org\nNieuw\ndirk@example.org\n"
    rows = [row for row in read(content) if isinstance(row, NewSubscriber)]
    assert [str(row.suppression or row.state) for row in rows] == [
        "confirmed",
        "unsubscribed",
        "hard_bounce",
        "confirmed",
    ]
    assert rows[1].evidence == "title above the row: AFGEMELD:"
    table = "Naam;E-mail\nA;anna@example.org\nUITGESCHREVEN;\nB;bob@example.org\n"
    assert [row[3] for row in found(table)] == ["confirmed", "unsubscribed"]
    dated = "Naam;E-mail;Jaar\nA;anna@example.org;2020\nafgemeld;;2024\nB;bob@example.org;2020\n"
    assert [row.state.value for row in read(dated) if isinstance(row, NewSubscriber)] == [
        "confirmed",
        "unsubscribed",
    ]
    assert [row[3] for row in found("# actief\nanna@example.org\n# afgemeld\nbob@example.org\n")] == [
        "confirmed",
        "unsubscribed",
    ]
    unclear = "email\nanna@example.org\nWILLEN NIET MEER\nbob@example.org\n"
    with pytest.raises(SubscriberFileError, match="WILLEN NIET MEER: line 4"):
        read(unclear)
    answered = read(unclear, status=parse_status(["title above the row:WILLEN NIET MEER=unsubscribed"]))
    assert [row.state.value for row in answered] == ["confirmed", "unsubscribed"]


def test_a_remark_about_unsubscribing_in_a_name_is_asked_about_and_a_surname_is_not():
    with pytest.raises(SubscriberFileError, match="opgezegd"):
        read("email;naam\nanna@example.org;Anna\nbob@example.org;Bob (opgezegd)\n")
    assert found("email;naam\nanna@example.org;Anna Junk\n")[0][2:] == ("Anna Junk", "confirmed")


def test_a_question_that_can_change_no_row_is_not_asked():
    content = (
        "email;Uitgeschreven op;Reden\nanna@example.org;;\nbob@example.org;2024-01-01;wil geen mail meer\n"
    )
    assert [row[3] for row in found(content)] == ["confirmed", "unsubscribed"]
    with pytest.raises(SubscriberFileError, match="`Reden`"):
        read(content.replace("2024-01-01", ""))


def test_a_tag_confirms_nobody():
    content = "email;tags\nanna@example.org;active\nbob@example.org;unsubscribed\n"
    options = SubscriberFileOptions()
    rows = list(SubscriberFile(lambda: io.StringIO(content, newline=""), "lezers.csv", options))
    assert not isinstance(rows[0], NewSubscriber)
    assert rows[1].state == "unsubscribed"


def test_a_column_contact_is_the_name_unless_another_column_is():
    assert found("Contact,Email\nZoë V,anna@example.org\n")[0][2] == "Zoë V"
    assert found("Contact,Naam,Email\nACME,Zoë V,anna@example.org\n")[0][2] == "Zoë V"
