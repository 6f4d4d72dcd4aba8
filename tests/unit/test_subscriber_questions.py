"""Questions about a subscriber file: asked only where needed, with all values, and safe to paste."""

import io
import re
import shlex

import pytest

from moza_mail.model.subscriber import NewSubscriber
from moza_mail.subscriber_file import (
    ColumnAnswers,
    SubscriberFile,
    SubscriberFileError,
    SubscriberFileOptions,
)
from moza_mail.subscriber_file.answers import parse_status
from moza_mail.subscriber_file.headings import normalise_heading


def read(content: str, name: str = "lezers.csv", consent: str = "", **answers) -> dict[str, str]:
    """Return the state of each person in a file, by the first part of the address."""
    options = SubscriberFileOptions(consent=consent, answers=ColumnAnswers(**answers))
    rows = SubscriberFile(lambda: io.StringIO(content, newline=""), name, options)
    return {
        str(row.address).partition("@")[0]: str(row.suppression or row.state)
        for row in rows
        if isinstance(row, NewSubscriber)
    }


def ask(content: str, **more) -> SubscriberFileError:
    with pytest.raises(SubscriberFileError) as caught:
        read(content, **more)
    return caught.value


def read_as_proposed(content: str, **more) -> dict[str, str]:
    """Return the states of a file after its proposals are pasted unread."""
    hint = str(ask(content, **more).hint).partition("(the states")[0]
    words = shlex.split(hint[hint.index("--") :])
    pairs = list(zip(words[::2], words[1::2], strict=True))
    status = parse_status(value for option, value in pairs if option == "--status")
    ignored = frozenset(normalise_heading(value) for option, value in pairs if option == "--ignore")
    return read(content, status=status, ignored=ignored, **more)


SETTLED = "email,nieuwsbrief,{heading}\na@example.org,ja,{first}\nb@example.org,nee,{first}\nc@example.org,ja,{second}\n"


@pytest.mark.parametrize(
    ("heading", "first", "second"),
    [
        ("VIP", "ja", "nee"),
        ("Betaald", "x", ""),
        ("timestamp_opt", "2024-01-01", ""),
        ("Lead Status", "OPEN", "NEW"),
        ("Currently in Sequence", "true", "false"),
        ("Ik ga akkoord met de privacyverklaring", "Akkoord", "Akkoord"),
        ("Moderation action", "default", "discard"),
        ("Your Subject", "Klacht", "Info"),
        ("Order status", "Cancelled", "Paid"),
        ("Statut adhésion", "À jour", "Nouveau"),
    ],
)
def test_beside_a_consent_column_a_column_about_something_else_raises_no_question(heading, first, second):
    content = SETTLED.format(heading=heading, first=first, second=second)
    assert read(content) == {"a": "confirmed", "b": "unsubscribed", "c": "confirmed"}


@pytest.mark.parametrize("value", ["afgemeld", "wil geen mail meer", "hard bounce"])
def test_a_value_that_means_unsubscribed_is_always_read_or_asked_about(value):
    try:
        found = read(SETTLED.format(heading="Groep", first="A", second=value))
    except SubscriberFileError:
        return
    assert found["c"] != "confirmed"


def test_a_column_with_yes_for_everybody_answers_no_question():
    assert (
        "`Ingeleverd`"
        in ask("email,newsletter,Ingeleverd\na@example.org,yes,no\nb@example.org,yes,yes\n").message
    )


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("Ja graag", "confirmed"),
        ("Yes please!", "confirmed"),
        ("Oui, merci", "confirmed"),
        ("No thanks", "unsubscribed"),
        ("Nee, bedankt", "unsubscribed"),
        ("Aangevinkt", "confirmed"),
        ("Niet aangevinkt", "unsubscribed"),
        ("not checked", "unsubscribed"),
        ("nog niet", "unconfirmed"),
        ("noch nicht", "unconfirmed"),
        ("Weekly", "confirmed"),
        ("Yes please, but not now", "question"),
        ("Ja graag maar niet per mail", "question"),
    ],
)
def test_a_polite_answer_a_check_box_and_a_frequency_are_read(value, state):
    content = f'email,nieuwsbrief\na@example.org,"{value}"\n'
    try:
        assert read(content)["a"] == state
    except SubscriberFileError:
        assert state == "question"


def test_the_question_shows_all_values_with_their_reading_most_frequent_first():
    rows = ["ja"] * 3 + ["nee"] * 2 + ["ooit"]
    content = "email;nieuwsbrief\n" + "".join(
        f"p{number}@example.org;{row}\n" for number, row in enumerate(rows)
    )
    assert "`nieuwsbrief` (3 × ja = confirmed, 2 × nee = unsubscribed, 1 × ooit)" in str(ask(content).message)
    many = "email;nieuwsbrief\n" + "".join(f"p{number}@example.org;iets {number}\n" for number in range(50))
    assert re.search(r"\(1 × iets 0, .*1 × iets 7, \.\.\.\)", str(ask(many).message))


def test_ignoring_is_proposed_for_a_column_that_is_not_about_mail():
    content = "email,type,plaats\na@example.org,klant,Delft\nb@example.org,relatie,Delft\nc@example.org,klant,Gouda\n"
    error = ask(content, consent="formulier")
    assert '--ignore "type"' in str(error.hint)
    assert '--status "type:klant=unsubscribed"' in str(error.hint)
    assert set(read_as_proposed(content, consent="formulier").values()) == {"confirmed"}


@pytest.mark.parametrize(
    ("content", "states"),
    [
        (
            "email,GDPR\na@example.org,Yes - form\nb@example.org,No reply\nc@example.org,Yes\n",
            {"a": "confirmed", "b": "unconfirmed", "c": "confirmed"},
        ),
        (
            "email,Keep me posted by email\na@example.org,Yes please!\nb@example.org,No thanks\nc@example.org,Only this time\n",
            {"a": "confirmed", "b": "unsubscribed", "c": "unconfirmed"},
        ),
        (
            "email,nieuwsbrief,Opmerking\na@example.org,ja,\nb@example.org,ja,weg bij de gemeente\nc@example.org,ja,afgemeld\n",
            {"a": "confirmed", "b": "unconfirmed", "c": "unsubscribed"},
        ),
    ],
)
def test_accepting_all_proposals_loses_no_subscriber_and_confirms_no_unsubscribed_person(content, states):
    assert read_as_proposed(content, consent="") == states


def test_joining_dates_without_an_opt_in_date_are_asked_about():
    content = (
        "Email,Subscribed,Opt-in Timestamp,Unsubscribed\na@example.org,2023-02-01,2023-02-01,\n"
        "b@example.org,2023-02-01,,\nc@example.org,2023-02-01,,2024-01-01\n"
    )
    assert "`Opt-in Timestamp` (1 × (empty))" in str(ask(content).message)
    assert read_as_proposed(content) == {"a": "confirmed", "b": "unconfirmed", "c": "unsubscribed"}
    kept = read(content, status=parse_status(["Opt-in Timestamp:=confirmed"]))
    assert kept == {"a": "confirmed", "b": "confirmed", "c": "unsubscribed"}


MAILCHIMP = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME\na@example.org,An,2,,2023-02-01 10:00:00\n"


def test_a_renamed_mailchimp_file_without_opt_in_dates_is_asked_about():
    assert "`OPTIN_TIME`" in ask(MAILCHIMP, name="contacten.csv").message
    assert read(MAILCHIMP, name="subscribed_members_export_1a2b.csv") == {"a": "confirmed"}
    assert read(MAILCHIMP, name="nonsubscribed_members_export_1a2b.csv") == {"a": "unconfirmed"}


def test_list_names_are_not_consent_and_raise_no_question():
    content = "Name,Email,Mailing Lists,Blacklist,Opt Out\nA,a@example.org,Newsletter,False,False\nB,b@example.org,Newsletter,False,True\n"
    assert read(content, consent="formulier") == {"a": "confirmed", "b": "unsubscribed"}
    assert read("email,Mailinglijst\na@example.org,ja\nb@example.org,nee\n") == {
        "a": "confirmed",
        "b": "unsubscribed",
    }


def test_labels_that_do_not_name_the_newsletter_are_asked_about():
    content = (
        "First Name,Labels,E-mail 1 - Value,E-mail 2 - Value\nAnna,Nieuwsbrief ::: * myContacts,a@example.org,\n"
        "Bert,Tandarts ::: * myContacts,b@example.org,b@example.com\nCarla,Uitgeschreven nieuwsbrief,c@example.org,\n"
    )
    message = str(ask(content, consent="formulier").message)
    assert "`Labels`" in message
    assert "E-mail 2" not in message
    assert read_as_proposed(content, consent="formulier") == {
        "a": "confirmed",
        "b": "unconfirmed",
        "c": "unsubscribed",
    }


@pytest.mark.parametrize(
    "heading", ["Attendee email", "Adresse mail", "Contactgegevens", "Mailadres deelnemer"]
)
def test_the_only_column_with_addresses_is_the_address(heading):
    content = f"{heading},nieuwsbrief\na@example.org,ja\nb@example.org,nee\n"
    assert read(content) == {"a": "confirmed", "b": "unsubscribed"}
    titled = f"{heading},nieuwsbrief\na@example.org,ja\nAfgemeld:,\nb@example.org,ja\n"
    assert read(titled) == {"a": "confirmed", "b": "unsubscribed"}


def test_the_address_of_another_person_is_not_imported():
    for heading in ("Account manager", "Doorverwezen door (verwijzer)", "Referred by"):
        assert "--map email=" in ask(f"naam,{heading}\nAn,a@example.org\n").hint


def test_an_address_below_a_heading_about_unsubscribing_is_not_imported():
    assert "--map email=" in ask("naam,E-mail (uitgeschreven)\nAn,a@example.org\n", consent="formulier").hint


@pytest.mark.parametrize(
    ("content", "states"),
    [
        (
            "id,email,status,sdate,udate,bounced_hard,bounced_soft\n1,a@example.org,1,2023-02-01,,0,2\n2,b@example.org,1,2023-02-01,,1,0\n",
            {"a": "confirmed", "b": "hard_bounce"},
        ),
        (
            "EMAIL,DOUBLE_OPT-IN,ADDED_TIME,MODIFIED_TIME,EMAIL_BLACKLISTED\na@example.org,Yes,01-02-2023,,No\nb@example.org,No,01-02-2023,,No\nc@example.org,2,01-02-2023,,No\n",
            {"a": "confirmed", "b": "unconfirmed", "c": "unconfirmed"},
        ),
        (
            "email,registered,activated,deactivated,active\na@example.org,1675245600,1675245900,0,true\nb@example.org,1675245600,0,0,false\nc@example.org,1675245600,1675245900,1706781600,false\n",
            {"a": "confirmed", "b": "unconfirmed", "c": "unsubscribed"},
        ),
        (
            "Subscriber,Date subscribed,Type\na@example.org,2023-02-01,active\nb@example.org,2023-02-01,unsubscribed\nc@example.org,2023-02-01,junk\n",
            {"a": "confirmed", "b": "unsubscribed", "c": "complaint"},
        ),
        (
            "Email,Role,Delivery status,Delivery mode\na@example.org,member,enabled,regular\nb@example.org,nonmember,enabled,regular\nc@example.org,owner,enabled,regular\n",
            {"a": "confirmed", "b": "unconfirmed", "c": "unconfirmed"},
        ),
        (
            (
                'Email,Email Marketing Consent,Email Suppressions\na@example.org,SUBSCRIBED,[]\nb@example.org,SUBSCRIBED,"[{""reason"": ""HARD_BOUNCE""}]"\n'
                'c@example.org,SUBSCRIBED,"[{""reason"": ""SPAM_COMPLAINT""}]"\nd@example.org,SUBSCRIBED,"[{""reason"": ""UNSUBSCRIBED""}]"\n'
            ),
            {"a": "confirmed", "b": "hard_bounce", "c": "complaint", "d": "unsubscribed"},
        ),
    ],
)
def test_the_states_of_mailing_services_are_read(content, states):
    assert read(content) == states


def test_a_one_word_refusal_of_calls_suppresses_nobody():
    content = "EMAIL,HASOPTEDOUTOFEMAIL,DONOTCALL\na@example.org,false,true\nb@example.org,true,false\n"
    assert read(content, consent="formulier") == {"a": "confirmed", "b": "unsubscribed"}


def test_the_columns_are_described_in_plain_words():
    content = "email,voornaam,Lead status,status,bevestigd op,toegevoegd\na@example.org,An,new,actief,2024-01-01,2024-01-01\n"
    options = SubscriberFileOptions()
    described = str(SubscriberFile(lambda: io.StringIO(content), "a.csv", options).columns.describe())
    assert "status as state, bevestigd op as confirmation, toegevoegd as date of entry" in described
    assert "_" not in described


@pytest.mark.parametrize(
    "heading",
    [
        "Ik wil de nieuwsbrief van de gemeente ontvangen",
        "Would you like to subscribe to our newsletter?",
        "Je souhaite recevoir la newsletter de la mairie",
        "Reactie op AVG-mail",
    ],
)
def test_a_sentence_that_asks_for_the_newsletter_is_consent(heading):
    content = f'email,"{heading}"\na@example.org,Ja\nb@example.org,geen reactie\nc@example.org,Nee\n'
    assert read(content) == {"a": "confirmed", "b": "unconfirmed", "c": "unsubscribed"}


@pytest.mark.parametrize(
    "heading", ["Wilt u geen nieuwsbrief meer ontvangen?", "I want to stop the newsletter"]
)
def test_a_sentence_against_the_newsletter_confirms_nobody(heading):
    try:
        found = read(f'email,"{heading}"\na@example.org,Ja\n', consent="formulier")
    except SubscriberFileError:
        return
    assert found["a"] != "confirmed"


def test_a_column_with_no_for_everybody_raises_no_question():
    assert read("email,nieuwsbrief,Tax Exempt\na@example.org,ja,no\nb@example.org,ja,no\n") == {
        "a": "confirmed",
        "b": "confirmed",
    }


def test_a_line_without_an_address_says_nothing_about_people():
    content = (
        "Einde,E-mail,Nieuwsbrief ontvangen?,Punten\n,Antwoord,Antwoord,\n2024-01-01,a@example.org,Ja graag,1\n"
        "2024-01-01,b@example.org,Nee,2\nTotaal,2,,3\n"
    )
    assert read(content) == {"a": "confirmed", "b": "unsubscribed"}


def test_an_email_column_without_addresses_is_replaced_by_the_answer():
    content = "E-mail,Wat is uw e-mailadres?,Wilt u de nieuwsbrief ontvangen?\nanonymous,a@example.org,Ja\nanonymous,b@example.org,Nee\n"
    assert read(content) == {"a": "confirmed", "b": "unsubscribed"}


def test_codes_that_a_heading_explains_are_read():
    content = (
        'email,"Nieuwsbrief (1=ja, 2=nee, 9=onbekend)"\na@example.org,1\nb@example.org,2\nc@example.org,9\n'
    )
    assert read(content) == {"a": "confirmed", "b": "unsubscribed", "c": "unconfirmed"}


@pytest.mark.parametrize(
    ("content", "states"),
    [
        (
            "EMAIL,_SUBSCRIBED,_BLOCKLISTED\na@example.org,email_marketing,sms_marketing\nb@example.org,,email_marketing|sms_marketing\nc@example.org,sms_marketing,\n",
            {"a": "confirmed", "b": "manual", "c": "unconfirmed"},
        ),
        (
            "Email,Do not allow Bulk Emails,Consent\na@example.org,Allow,yes\nb@example.org,Do Not Allow,yes\n",
            {"a": "confirmed", "b": "manual"},
        ),
        (
            "email,Laatste_hardbounce,nieuwsbrief\na@example.org,,ja\nb@example.org,550 mailbox unavailable,ja\n",
            {"a": "confirmed", "b": "hard_bounce"},
        ),
        (
            "email,nieuwsbrief\na@example.org,ja 3-2-2023\nb@example.org,afgemeld 3-2-2023\nc@example.org,?\n",
            {"a": "confirmed", "b": "unsubscribed", "c": "unconfirmed"},
        ),
        (
            "email,consent,doNotContact\na@example.org,yes,\nb@example.org,yes,Email: Bounced\nc@example.org,yes,Email: Unsubscribed\n",
            {"a": "confirmed", "b": "hard_bounce", "c": "unsubscribed"},
        ),
        (
            "EMAIL,CID,STATUS\na@example.org,x,1\nb@example.org,y,2\nc@example.org,z,3\nd@example.org,z,4\n",
            {"a": "confirmed", "b": "unsubscribed", "c": "hard_bounce", "d": "complaint"},
        ),
        (
            "Email,Kind\na@example.org,active\nb@example.org,unsubscribed\nc@example.org,bounced\n",
            {"a": "confirmed", "b": "unsubscribed", "c": "hard_bounce"},
        ),
        (
            "Email,GDPR lawful basis for newsletter\na@example.org,Consent\nb@example.org,Contract\nc@example.org,Consent withdrawn\n",
            {"a": "confirmed", "b": "unconfirmed", "c": "unsubscribed"},
        ),
        (
            "Email,Opt-In Status\na@example.org,Double\nb@example.org,Single\n",
            {"a": "confirmed", "b": "unconfirmed"},
        ),
    ],
)
def test_further_notations_of_a_state_are_read(content, states):
    assert read(content) == states


def test_an_active_member_has_not_agreed_to_mail():
    content = "Lidnr,E-mail,Lid sinds,Status\n1,a@example.org,2019-01-01,actief\n2,b@example.org,2019-01-01,opgezegd\n"
    assert read(content) == {"b": "unsubscribed"}
    assert read(content, consent="formulier") == {"a": "confirmed", "b": "unsubscribed"}
    answered = parse_status(["Status:actief=confirmed"])
    assert read(content, status=answered) == {"a": "confirmed", "b": "unsubscribed"}


def test_an_answer_about_one_value_of_an_unknown_status_confirms_no_other():
    content = "Lidnr,E-mail,Status\n1,a@example.org,actief\n2,b@example.org,geroyeerd\n"
    assert read(content, status=parse_status(["Status:geroyeerd=unconfirmed"])) == {"b": "unconfirmed"}


def test_a_file_name_with_an_unrelated_negation_raises_no_question():
    content = "email\na@example.org\n"
    assert read(content, name="list not at A1.csv", consent="formulier") == {"a": "confirmed"}
    ask(content, name="not confirmed.csv", consent="formulier")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Connected On", ("12 Mar 2025", "01 Jan 2024", "01 Jan 2024")),
        ("Data", ('"{""foo"": ""bar""}"', '"{""foo"": [1, 2]}"', "")),
        ("Mailing City", ("Delft", "Gouda", "Gouda")),
        ("Checked in", ("true", "false", "true")),
        ("Total Spent", ("10.00", "0", "0")),
        ("Timestamp", ("2026-05-28 19:01", "2026-05-28 19:14", "")),
    ],
)
def test_columns_of_other_programs_that_are_not_about_mail_raise_no_question(column, values):
    rows = "".join(f"p{number}@example.org,{value}\n" for number, value in enumerate(values))
    assert set(read(f"email,{column}\n{rows}", consent="formulier").values()) == {"confirmed"}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Data", ('"{""marketing_consent"": true}"', '"{""marketing_consent"": false}"')),
        ("Mag benaderd worden", ("nee", "nee")),
        ("Contact ok", ("no", "no")),
        ("Bestandskundenwerbung", ("ja", "ja")),
    ],
)
def test_a_column_that_may_be_about_consent_is_asked_about(column, values):
    rows = "".join(f"p{number}@example.org,{value}\n" for number, value in enumerate(values))
    assert f"`{column}`" in ask(f"email,{column}\n{rows}", consent="formulier").message


def test_beside_a_status_column_a_date_heading_with_unknown_words_raises_no_question():
    content = (
        "email,status,Subscription Date (Tool),repermission_sent\na@example.org,active,2022-03-12,2018-05-20\n"
        "b@example.org,unsubscribed,,2018-05-20\n"
    )
    assert read(content) == {"a": "confirmed", "b": "unsubscribed"}
    pending = content.replace("Subscription Date (Tool)", "Opt-in pending since")
    assert read(pending) == {"a": "unconfirmed", "b": "unsubscribed"}
    asked = content.replace("Subscription Date (Tool)", "Opt-in requested")
    assert "`Opt-in requested`" in ask(asked).message


@pytest.mark.parametrize("heading", ["What's your email?", "Bereikbaar op"])
def test_a_column_with_row_numbers_is_not_a_comment(heading):
    content = (
        f"#,What's your name?,{heading},Newsletter\n1,Vilma,a@example.org,yes\n2,Wilmer,b@example.org,no\n"
    )
    rows = SubscriberFile(lambda: io.StringIO(content), "a.csv", SubscriberFileOptions())
    assert [(row.name, str(row.state)) for row in rows] == [
        ("Vilma", "confirmed"),
        ("Wilmer", "unsubscribed"),
    ]


def test_only_a_date_after_a_value_is_ignored():
    assert "`nieuwsbrief`" in ask("email,nieuwsbrief\na@example.org,optin 0\n").message


def test_the_result_of_an_address_verification_confirms_nobody():
    assert read("Email,Resultaat\na@example.org,active\nb@example.org,bounced\n") == {"b": "hard_bounce"}


def test_a_newer_export_of_buttondown_is_read():
    content = (
        "id,email,subscriber_type,creation_date,subscription_date,unsubscription_date\n1,a@example.org,regular,2024-01-01,2024-01-05,\n"
        "2,b@example.org,undeliverable,2024-01-01,,\n3,c@example.org,unactivated,2024-01-01,,\n4,d@example.org,unsubscribed,2024-01-01,2024-01-05,2024-02-02\n"
    )
    assert read(content) == {"a": "confirmed", "b": "hard_bounce", "c": "unconfirmed", "d": "unsubscribed"}


@pytest.mark.parametrize(
    ("heading", "first", "second"),
    [
        ("Do you still want it", "yes", "no"),
        ("Parti", "", "x"),
        ("Datum uit", "", "2024-02-01"),
        ("Laatst bevestigd", "2024-01-01", ""),
    ],
)
def test_a_column_about_wanting_to_stay_is_always_asked_about(heading, first, second):
    assert f"`{heading}`" in ask(SETTLED.format(heading=heading, first=first, second=second)).message


def test_channels_other_than_mail_are_asked_about():
    content = "Email,Marketing preferences\na@example.org,email\nb@example.org,post\nc@example.org,none\n"
    assert "`Marketing preferences`" in ask(content, consent="formulier").message


def test_the_state_of_a_membership_is_not_consent():
    content = "Member ID,Email,Member status\n1,a@example.org,active\n2,b@example.org,lapsed\n"
    assert read(content) == {"b": "unsubscribed"}


def test_a_link_has_no_meaning_and_a_text_about_waiting_means_unconfirmed():
    content = "Email,Status,unsubscribe_url,Mailings received\na@example.org,subscribed,https://example.org/u/1,12\nb@example.org,wacht op klik,https://example.org/u/2,0\n"
    assert read(content) == {"a": "confirmed", "b": "unconfirmed"}


@pytest.mark.parametrize(
    "line",
    ["* = krijgt liever geen mail", "(*) no longer by mail", "† overleden", "V = verhuisd, wil niet meer"],
)
def test_a_line_that_explains_a_mark_next_to_a_name_is_asked_about(line):
    content = f"Naam,Email\nAda,ada@example.org\nBob *,bob@example.org\n\n{line}\n"
    assert "may mean that people left" in str(ask(content, consent="op papier"))


def test_a_form_text_about_how_to_unsubscribe_unsubscribes_nobody():
    text = "You can unsubscribe at any time."
    content = (
        "Email (Enter Email),Consent (Consent),Consent (Text),Consent (Description)\n"
        f"ada@example.org,Checked,I agree to receive the newsletter by email.,{text}\n"
        f"bob@example.org,Checked,I agree to receive the newsletter by email.,{text}\n"
    )
    assert read(content) == {"ada": "confirmed", "bob": "confirmed"}


@pytest.mark.parametrize("remark", ["You can remove me at any time please", "U kunt mij uitschrijven"])
def test_a_request_to_be_removed_is_not_taken_for_a_form_text(remark):
    content = f"email,remark\nada@example.org,\nbob@example.org,{remark}\nc@example.org,\nd@example.org,\n"
    assert "it is not clear" in str(ask(content, consent="on paper"))


def test_people_copied_from_a_mail_program_are_read_with_their_names():
    line = "Müller-Wolf, Anna <anna@example.org>; 'emil@example.org'; Abt, Gudrun <gudrun@example.org>;\n"
    assert read(line, "verteiler.txt", consent="auf Papier") == dict.fromkeys(
        ("anna", "emil", "gudrun"), "confirmed"
    )
