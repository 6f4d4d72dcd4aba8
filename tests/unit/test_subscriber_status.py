"""Status columns, consent, dates and names in the exports of other programs."""

import csv
import io
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail import subscriber_file
from moza_mail.model.subscriber import NewSubscriber, SuppressionReason
from moza_mail.subscriber_file import (
    ColumnAnswers,
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
)
from moza_mail.subscriber_file.answers import names_to_keep, parse_status
from moza_mail.subscriber_file.dates import parse_date
from moza_mail.subscriber_file.row_state import STATE_WORDS, RowState
from tests.support.examples import examples

EXPORTS = Path(__file__).parent.parent / "data" / "imports"
WORDS = {
    SuppressionReason.HARD_BOUNCE: "suppressed:bounce",
    SuppressionReason.COMPLAINT: "suppressed:complaint",
    SuppressionReason.MANUAL: "suppressed:manual",
}


def expected() -> dict[str, list[dict[str, str]]]:
    with (EXPORTS / "expected.tsv").open(encoding="utf-8", newline="") as file:
        rows = defaultdict(list)
        for row in csv.DictReader(file, delimiter="\t"):
            rows[row["file"]].append(row)
        return rows


EXPECTED = expected()


def read(content: bytes, name: str = "lezers.csv", consent: str = "", **answers) -> list:
    encoding = subscriber_file.detect_encoding(lambda: [content], name)
    text = content.decode(encoding.codec)
    options = SubscriberFileOptions(consent=consent, answers=ColumnAnswers(**answers))
    return list(SubscriberFile(lambda: io.StringIO(text, newline=""), name, options))


def state(row) -> str:
    if not isinstance(row, NewSubscriber):
        return "asks" if "no consent" in row.reason else row.reason
    return WORDS[row.suppression] if row.suppression else row.state.value


def states(content: str, **more) -> dict[str, str]:
    rows = read(content.encode(), **more)
    return {str(row.address).partition("@")[0]: state(row) for row in rows}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_row_of_an_export_has_its_state_name_and_date(name):
    content, rows = (EXPORTS / name).read_bytes(), EXPECTED[name]
    if {row["state"] for row in rows} & {"question"} or name in ASKS:
        with pytest.raises(SubscriberFileError) as caught:
            read(content, name)
        assert "--status" in caught.value.hint
        return
    found = {
        str(row.address).rpartition("<")[2].rstrip(">").removeprefix("mailto:"): row
        for row in read(content, name)
    }
    for row in rows:
        # Several addresses in a cell are rejected together when they have no consent.
        if row["address"] not in found:
            assert any(row["address"] in one for one in found), row
            continue
        person = found[row["address"]]
        assert state(person) == row["state"], (row, person)
        if isinstance(person, NewSubscriber):
            assert person.name == row["name"] or not row["name"]
            assert (person.since.isoformat() if person.since else "").startswith(row["consent_date"])
            assert person.consent if row["state"] == "confirmed" else person.evidence or "subscribed" in name


ASKS = {
    name
    for name, rows in EXPECTED.items()
    if {row["state"] for row in rows} == {"asks"}
    and name.startswith(("patreon", "unreadable", "sendgrid_global"))
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_unsubscribed_person_is_confirmed_whatever_consent_is_given(name):
    try:
        rows = read((EXPORTS / name).read_bytes(), name, consent="formulier")
    except SubscriberFileError:
        return
    wanted = {row["address"]: row["state"] for row in EXPECTED[name]}
    for row in rows:
        if state(row) == "confirmed":
            assert wanted.get(str(row.address), "asks") in {"confirmed", "asks"}


@pytest.mark.parametrize(
    "content",
    [
        "email,fase\nok@example.org,actief\nleft@example.org,opgezegd\n",
        "email,is_active\nok@example.org,true\nleft@example.org,false\n",
        "adresse_email;desinscrit_le\nok@example.org;\nleft@example.org;2024-02-01\n",
        "email,toestemming\nok@example.org,Ja - via website 2024\nno@example.org,geen toestemming\nno2@example.org,\n",
        "email,emailable,do_not_email\nok@example.org,true,false\nno@example.org,true,true\n",
        "email,deletedAt\nok@example.org,null\nleft@example.org,2024-01-01T00:00:00Z\n",
        "email,Status\nok@example.org,Subscribed\nleft@example.org,Unsubscribed (by admin)\n",
        "email,email_verified_at\nok@example.org,2024-01-01 10:00\npending@example.org,\n",
        "email,HasOptedOutOfEmail\nok@example.org,false\nleft@example.org,true\n",
        "email,last_bounce_reason,opt-in\nok@example.org,,ja\nb@example.org,550 5.1.1 user unknown,ja\n",
        "email,marketing_state\nok@example.org,SUBSCRIBED\nno@example.org,NOT_SUBSCRIBED\npending@example.org,PENDING\n",
        "email,uitschrijfdatum\nok@example.org,00-00-0000\nleft@example.org,01-02-2025\n",
        "email,Mailings toegestaan\nok@example.org,Ja\nno@example.org,Nee (telefonisch)\n",
        "email,gdpr_consent\nok@example.org,TRUE\nno@example.org,FALSE\nno2@example.org,\n",
        "Contact,E-mailadres,Mailinglijst\nA,ok@example.org,ja\nB,no@example.org,nee\n",
        "email,label\nok@example.org,VIP\nleft@example.org,unsubscribed\n",
        "email,Anmeldestatus\nok@example.org,Angemeldet\nleft@example.org,Abgemeldet\nb@example.org,Gesperrt\n",
    ],
)
def test_headings_and_values_of_unknown_programs_are_understood(content):
    found = states(content, consent="formulier")
    assert [name for name, one in found.items() if one == "confirmed"] == ["ok"]


@pytest.mark.parametrize(
    ("content", "about"),
    [
        ("email,krijgt_mail\na@example.org,ja\nb@example.org,nee\n", "krijgt_mail"),
        ("email,Krijgt post\na@example.org,1\nb@example.org,0\n", "Krijgt post"),
        ("email,Einddatum\na@example.org,\nb@example.org,2024-01-01\n", "Einddatum"),
        ("email,frequentie\na@example.org,wekelijks\nb@example.org,nooit\n", "frequentie"),
        ("email,state\na@example.org,1\nb@example.org,2\n", "state"),
        ("email,mail\na@example.org,ja\nb@example.org,nee\n", "mail"),
        ("email,Reden\na@example.org,\nb@example.org,verhuisd\n", "Reden"),
        ("email,Lidmaatschap\na@example.org,Actief lid\nb@example.org,Ex-lid\n", "Lidmaatschap"),
        ('email,Tags\na@example.org,nieuws\nb@example.org,"nieuws, afgemeld"\n', "Tags"),
        ("email,opmerking\na@example.org,\nb@example.org,wil geen mail meer\n", "opmerking"),
        ("email,Statuscode\na@example.org,A\nb@example.org,U\n", "Statuscode"),
    ],
)
def test_a_column_that_may_be_a_status_stops_the_import_until_a_person_answers(content, about):
    with pytest.raises(SubscriberFileError, match=f"`{about}`") as caught:
        read(content.encode(), consent="formulier")
    assert f'--ignore "{about}"' in caught.value.hint
    ignored = frozenset({about.lower().replace("_", " ")})
    assert set(states(content, consent="formulier", ignored=ignored).values()) == {"confirmed"}


def test_the_answer_to_a_question_decides():
    content = "email,status\na@example.org,A\nb@example.org,N\nc@example.org,X7\n"
    status = parse_status(["status:A=confirmed", "Status:n=unsubscribed", "status:X7=bounced"])
    assert states(content, status=status) == {"a": "confirmed", "b": "unsubscribed", "c": "suppressed:bounce"}
    ends = "email,Lid tot\na@example.org,\nb@example.org,2024-12-31\n"
    status = parse_status(["Lid tot:*=unsubscribed"])
    assert states(ends, status=status, consent="lid") == {"a": "confirmed", "b": "unsubscribed"}
    with pytest.raises(SubscriberFileError, match="no column says so"):
        states("email\na@example.org\n", name="afgemeld.csv", consent="x")
    whole = parse_status(["*=unsubscribed"])
    assert states("email\na@example.org\n", name="afgemeld.csv", status=whole) == {"a": "unsubscribed"}
    with pytest.raises(SubscriberFileError, match="there is no state"):
        parse_status(["status:A=weg"])


def test_the_answer_that_all_may_be_mailed_hides_no_question():
    content = b"email,Krijgt post\na@example.org,ja\nb@example.org,nee\n"
    with pytest.raises(SubscriberFileError, match="Krijgt post"):
        read(content, consent="x", status=parse_status(["*=confirmed"]))
    rows = read(content, status=parse_status(["*=bounced"]))
    assert {state(row) for row in rows} == {"suppressed:bounce"}


def test_our_own_export_keeps_the_consent_text_and_the_reason_of_a_suppression():
    content = (
        b"email,name,state,consent,created_at,confirmed_at,unsubscribed_at,lang,suppression\n"
        b"a@example.org,A,confirmed,ja,2024-01-15T10:00:00+00:00,2024-01-16T10:00:00+00:00,,nl,\n"
        b"b@example.org,B,suppressed,ja,2024-01-15T10:00:00+00:00,2024-01-16T10:00:00+00:00,,,complaint\n"
        b"c@example.org,C,suppressed,ja,2024-01-15T10:00:00+00:00,,,,soft_bounces\n"
        b"d@example.org,D,unsubscribed,ja,2024-01-15T10:00:00+00:00,2024-01-16T10:00:00+00:00,2025-01-01T00:00:00+00:00,,\n"
        b"e@example.org,E,unconfirmed,,2024-01-15T10:00:00+00:00,,,,\n"
    )
    rows = read(content)
    assert [state(row) for row in rows] == [
        "confirmed",
        "suppressed:complaint",
        "suppressed:bounce",
        "unsubscribed",
        "unconfirmed",
    ]
    assert (rows[0].consent, rows[0].since.isoformat()) == ("ja", "2024-01-16T10:00:00+00:00")
    assert rows[3].since.isoformat() == "2025-01-01T00:00:00+00:00"


def test_the_stricter_of_two_columns_counts_and_a_no_is_not_consent():
    content = "email,status,bounced,consent\na@example.org,active,1,ja\nb@example.org,active,0,nee\nc@example.org,active,0,\n"
    assert states(content, consent="formulier") == {
        "a": "suppressed:bounce",
        "b": "unsubscribed",
        "c": "unconfirmed",
    }


def test_the_consent_has_the_words_date_and_source_of_the_file():
    content = "email;Permissie nieuwsbrief;Permissie datum;Permissie bron\na@example.org;1;15-01-2024 10:00;webformulier\n"
    (row,) = read(content.encode(), consent="telt niet")
    assert (
        row.consent
        == "Permissie nieuwsbrief: 1; Permissie datum: 15-01-2024 10:00; Permissie bron: webformulier"
    )
    assert row.since.isoformat() == "2024-01-15T10:00:00+00:00"


def test_only_declared_columns_are_stored_and_tracking_data_never():
    content = b"email,Soort lid,plaats,OPTIN_IP,Opens\na@example.org,gewoon,Gouda,192.0.2.1,4\n"
    keep = frozenset({"soort_lid", "optin_ip", "opens"})
    (row,) = read(content, consent="x", attributes=keep)
    assert row.attributes == {"soort_lid": "gewoon"}
    with pytest.raises(SubscriberFileError, match="never stored"):
        names_to_keep(["OPTIN_IP"])


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("voornaam,tussenvoegsel,achternaam|Zoë,de,Vries", "Zoë de Vries"),
        ("naam,voornaam|Zoë de Vries,Zoë", "Zoë de Vries"),
        ("naam,voornaam|de Vries,Zoë", "Zoë de Vries"),
        ("nom,prénom|Martin,Zoé", "Zoé Martin"),
        ("name,surname|Zoë,de Vries", "Zoë de Vries"),
        ("first name,last name|Zoë,", "Zoë"),
    ],
)
def test_names_are_joined(row, name):
    header, values = row.split("|")
    (person,) = read(f"email,{header}\na@example.org,{values}\n".encode(), consent="x")
    assert person.name == name


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-03-14 09:12:31", "2024-03-14T09:12:31"),
        ("12-04-2022 09:30", "2022-04-12T09:30"),
        ("2024-01-15T10:00:00.000Z", "2024-01-15T10:00"),
        ("2021-02-04 07:55:20 +0100", "2021-02-04T06:55:20"),
        ("2024-01-15 10:00:00 +0000 UTC", "2024-01-15T10:00"),
        ("01/15/24 10:00", "2024-01-15T10:00"),
        ("15 Jan, 2024 10:00", "2024-01-15T10:00"),
        ("15.01.2024", "2024-01-15"),
        ("1705312800", "2024-01-15T10:00"),
        ("3 maart 2025", "2025-03-03"),
        ("31-02-2024", ""),
        ("0000-00-00", ""),
        ("12345", ""),
    ],
)
def test_the_date_formats_of_exports_are_read(text, date):
    found = parse_date(text)
    assert (found.isoformat() if found else "").startswith(date)
    assert bool(found) is bool(date)


def test_no_word_means_two_states():
    words = [word.strip() for words in STATE_WORDS.values() for word in words.split(",")]
    assert sorted(word for word in set(words) if words.count(word) > 1) == []


HEADINGS = st.sampled_from(
    [
        "status",
        "subscribed",
        "opt-in",
        "unsubscribed_at",
        "bounced",
        "afgemeld",
        "toestemming",
        "x",
        "deleted",
        "datum",
    ]
)
VALUES = st.sampled_from(
    [
        "",
        "ja",
        "nee",
        "1",
        "0",
        "active",
        "afgemeld",
        "bounced",
        "spam",
        "pending",
        "2024-01-15",
        "false",
        "blocked",
    ]
)


@examples(300)
@given(st.lists(st.tuples(HEADINGS, VALUES), min_size=1, max_size=4, unique_by=lambda one: one[0]))
def test_a_row_with_a_word_for_unsubscribed_is_never_confirmed(cells):
    header = ",".join(heading for heading, _ in cells)
    row = ",".join(value for _, value in cells)
    try:
        (found,) = read(f"email,{header}\na@example.org,{row}\n".encode(), consent="x")
    except SubscriberFileError:
        return
    if {value for _, value in cells} & {"afgemeld", "bounced", "spam", "blocked", "pending"}:
        assert state(found) != "confirmed"
    assert state(found) in {"confirmed", "unsubscribed", "unconfirmed", *WORDS.values()}
    assert isinstance(found, NewSubscriber)
    assert RowState.CONFIRMED.severity == 0
