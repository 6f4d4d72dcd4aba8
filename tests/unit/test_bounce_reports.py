"""Reports as servers write them: each failure has the verdict of its words, and nothing else is read as a failure."""

import json
import time

import pytest

from moza_mail.bounces import classify_message
from moza_mail.model.bounce import BounceKind
from moza_mail.model.verdict import Verdict

READER, BOUNCE = "jan@lezers.example.com", "bounce+token@bounce.example.org"
ORIGINAL = f"Message-ID: <m1@example.org>\nFrom: weekly@example.org\nTo: {READER}\nSubject: Nieuws\n\nHallo\n"


def report(diagnostic, status="5.0.0", text="", action="failed", original=ORIGINAL):
    """Return a report by RFC 3464 as Postfix writes it."""
    return f"""Return-Path: <>
From: MAILER-DAEMON@relay.example.org (Mail Delivery System)
To: {BOUNCE}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

--B1
Content-Type: text/plain; charset=utf-8

This is the mail system at host relay.example.org.

{text or f"<{READER}>: {diagnostic}"}

--B1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.org

Final-Recipient: rfc822; {READER}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.lezers.example.com
Diagnostic-Code: {diagnostic}

--B1
Content-Type: message/rfc822

{original}
--B1--
"""


def notice(subject, body, sender="postmaster@lezers.example.com", extra=""):
    """Return a report that is a text for people and nothing else."""
    return f"""Return-Path: <>
From: {sender}
To: {BOUNCE}
Subject: {subject}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
{extra}
{body}
"""


def read(content):
    return classify_message(content.encode())


@pytest.mark.parametrize(
    ("diagnostic", "status", "verdict"),
    [
        ("smtp; 550 5.4.1 Recipient address rejected: Access denied. See aka.example", "5.4.1", "address_unknown"),
        ("smtp; 550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", "5.5.0", "address_unknown"),
        ("smtp; 552 1 Requested mail action aborted, mailbox not found", "5.0.0", "address_unknown"),
        (f"smtp; 550 User {READER} does not exist", "5.0.0", "address_unknown"),
        ("smtp; 550 5.7.1 No such user! 17-8kRk", "5.7.1", "address_unknown"),
        (f"smtp; 550 <{READER}>: Mailbox is full", "5.0.0", "mailbox_full"),
        ("X-Postfix; Host or domain name not found. Name service error for name=gmal.example type=A: Host not found", "5.4.4", "domain_unknown"),
        ("smtp; 550-5.2.1 The user is receiving mail at a rate that prevents additional messages", "5.2.1", "temporary"),
        (f"smtp; 550 5.1.1 <{READER}> - 203.0.113.222 has sent to too many recipients this hour. IB607", "5.1.1", "throttled"),
        (f"smtp; 550 5.1.1 RCPT TO:<{READER}> max message size exceeded", "5.1.1", "too_large"),
        ("smtp; 550 5.1.0 <weekly@example.org>: Sender address rejected: User unknown", "5.1.0", "sender_fault"),
        ("smtp; 554 5.7.1 Relay access denied", "5.7.1", "unclear"),
        ("smtp; 550 user unknown", "4.4.7", "address_unknown"),
        ("smtp; 550 4.4.7 QUEUE.Expired; message expired", "4.4.7", "temporary"),
    ],
)  # fmt: skip
def test_a_diagnostic_has_the_verdict_of_its_words(diagnostic, status, verdict):
    found = read(report(diagnostic, status))
    assert [(one.recipient, one.verdict) for one in found.failures] == [(READER, Verdict(verdict))]
    assert found.message_ids == ("<m1@example.org>",)


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (
            notice(
                "Undeliverable: Nieuws",
                f"Delivery has failed to these recipients or groups:\n\n{READER}<mailto:{READER}>\n"
                "The email address wasn't found at the destination domain.\n\n"
                "Diagnostic information for administrators:\n\nGenerating server: mail.example\n\n"
                f"{READER}\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'\n",
                extra="X-MS-Exchange-Message-Is-Ndr:\n",
            ),
            Verdict.ADDRESS_UNKNOWN,
        ),
        (
            notice(
                "Onbestelbaar: Nieuws",
                f"Bezorging bij de volgende geadresseerden of groepen is mislukt:\n\n{READER}\n"
                "Het ingevoerde e-mailadres is niet gevonden.\n",
            ),
            Verdict.ADDRESS_UNKNOWN,
        ),
        (
            notice(
                "Unzustellbar: Nieuws",
                "Ihre Nachricht hat einige oder alle Empfänger nicht erreicht.\n\nFolgende Empfänger konnten nicht erreicht werden:\n\n"
                f"      {READER}\n            Das Postfach des Empfängers ist voll.\n",
            ),
            Verdict.MAILBOX_FULL,
        ),
        (
            notice(
                "Non remis : Nieuws",
                f"Échec de la remise pour ces destinataires ou groupes :\n\n{READER}\nL'adresse de messagerie est introuvable.\n",
            ),
            Verdict.ADDRESS_UNKNOWN,
        ),
        (
            notice(
                "DELIVERY FAILURE: User jan (jan@lezers.example.com) not listed in Domino Directory",
                f"Your message\n\n  Subject: Nieuws\n\nwas not delivered to:\n\n  {READER}\n\nbecause:\n\n"
                f"  User jan ({READER}) not listed in Domino Directory\n",
            ),
            Verdict.ADDRESS_UNKNOWN,
        ),
        (
            notice(
                "failure notice",
                "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
                f"<{READER}>:\nConnected to 10.5.1.1 but connection died. (#4.4.2)\nI'm not going to try again.\n\n"
                "--- Below this line is a copy of the message.\n\nReturn-Path: <weekly@example.org>\n",
                sender="MAILER-DAEMON@mx.example",
            ),
            Verdict.TEMPORARY,
        ),
        (
            notice(
                "failure notice",
                "Hi. This is the qmail-send program at mx.example.\n\n"
                f"<{READER}>:\n192.0.2.9 does not like recipient.\nRemote host said: 550 5.7.1 Blocked by policy\nGiving up on 192.0.2.9.\n",
                sender="MAILER-DAEMON@mx.example",
            ),
            Verdict.POLICY,
        ),
        (
            notice(
                "Mail delivery failed: returning message to sender",
                "A message that you sent could not be delivered to one or more of its recipients.\n\n"
                f"  {READER}\n    mailbox is full: retry timeout exceeded\n",
                sender="Mail Delivery System <Mailer-Daemon@mx.example>",
                extra=f"X-Failed-Recipients: {READER}\n",
            ),
            Verdict.MAILBOX_FULL,
        ),
        (
            # The reason is on the second line. The first line alone would mean that the recipient does not exist.
            notice(
                "Undelivered Mail Returned to Sender",
                "This is the mail system at host relay.example.org.\n\n"
                f"<{READER}>: host mx.lezers.example.com[192.0.2.9] said: 550 5.1.1\n"
                "    <news@other.example>: unauthorized sender (in reply to RCPT TO command)\n",
                sender="MAILER-DAEMON@relay.example.org",
            ),
            Verdict.SENDER_FAULT,
        ),
        (
            notice(
                "Undelivered Mail Returned to Sender",
                "This is the mail system at host relay.example.org.\n\n"
                f"<{READER}>: host mx.lezers.example.com[192.0.2.9]\n    said: 554 5.7.1 <{READER}>: Recipient address rejected:\n"
                "    BLOCK-SENDER. (in reply to RCPT TO command)\n",
                sender="MAILER-DAEMON@relay.example.org",
            ),
            Verdict.POLICY,
        ),
        (
            # Sendmail adds its own "User unknown" to any refusal.
            notice(
                "Returned mail: see transcript for details",
                f"   ----- The following addresses had permanent fatal errors -----\n{READER}\n"
                "    (reason: 553 Sender Policy Framework (SPF) fail)\n\n"
                "   ----- Transcript of session follows -----\n>>> DATA\n<<< 553 Sender Policy Framework (SPF) fail\n"
                f"550 5.1.1 {READER}... User unknown\n<<< 503 RCPT first (#5.5.1)\n",
                sender="MAILER-DAEMON@relay.example.org",
            ),
            Verdict.SENDER_FAULT,
        ),
    ],
)
def test_a_bounce_without_a_status_part_is_read(content, verdict):
    found = read(content)
    assert [(one.recipient, one.verdict) for one in found.failures] == [(READER, verdict)]


def test_a_report_forwarded_as_an_attachment_is_read():
    inner = report("smtp; 550 5.1.1 User unknown", "5.1.1")
    outer = (
        f"From: redactie@example.org\nTo: {BOUNCE}\nSubject: Fwd: Undelivered Mail Returned to Sender\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="X9"\n\n--X9\nContent-Type: text/plain\n\nzie bijlage\n'
        f"--X9\nContent-Type: message/rfc822\n\n{inner}\n--X9--\n"
    )
    found = read(outer)
    assert [one.verdict for one in found.failures] == [Verdict.ADDRESS_UNKNOWN]
    assert found.message_ids == ("<m1@example.org>",)


def test_a_report_forwarded_in_the_text_is_read():
    quoted = "\n".join(
        f"> {line}"
        for line in (
            f"Final-Recipient: rfc822; {READER}",
            "Action: failed",
            "Status: 5.1.1",
            "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
        )
    )
    content = f"From: redactie@example.org\nTo: {BOUNCE}\nSubject: Fwd: Returned mail\n\nZie hieronder.\n\n{quoted}\n"
    assert [one.verdict for one in read(content).failures] == [Verdict.ADDRESS_UNKNOWN]


@pytest.mark.parametrize("cut", [200, 900, 1100])
def test_a_truncated_report_is_not_an_automatic_reply(cut):
    content = report("smtp; 550 5.1.1 User unknown", "5.1.1")
    assert read(content[: -len(ORIGINAL)]).failures[0].verdict is Verdict.ADDRESS_UNKNOWN
    assert read(content[:cut]).kind is not BounceKind.AUTO_REPLY


def test_a_report_with_carriage_returns_as_line_ends_is_read():
    content = report("smtp; 550 5.1.1 User unknown", "5.1.1").replace("\n", "\r")
    assert read(content).failures[0].verdict is Verdict.ADDRESS_UNKNOWN


def test_a_bounce_with_only_html_is_read():
    content = notice(
        "Undeliverable: Nieuws",
        f"<html><head><style>p {{}}</style></head><p>Delivery has failed to these recipients:</p><p>{READER}</p>"
        "<p>550 5.1.1 User unknown</p></html>",
    ).replace("text/plain", "text/html")
    assert [one.verdict for one in read(content).failures] == [Verdict.ADDRESS_UNKNOWN]


PERSON = f"From: Jan <{READER}>\nTo: {BOUNCE}\n"


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Automatische reactie: Nieuws", "auto_reply"),
        ("Automatisch antwoord: Nieuws", "auto_reply"),
        ("Niet op kantoor", "auto_reply"),
        ("Afwezigheidsbericht", "auto_reply"),
        ("Abwesenheitsnotiz: Nieuws", "auto_reply"),
        ("Automatische Antwort: Nieuws", "auto_reply"),
        ("Réponse automatique : Nieuws", "auto_reply"),
        ("Absence du bureau", "auto_reply"),
        ("Out of Office: Nieuws", "auto_reply"),
        ("Gelezen: Nieuws", "notice"),
        ("Gelesen: Nieuws", "notice"),
        ("Lu : Nieuws", "notice"),
        ("Read: Nieuws", "notice"),
        ("Leesbevestiging", "notice"),
        ("afmelden", "unsubscribe"),
        ("Re: STOP", "unsubscribe"),
        ("Unsubscribe me!", "unsubscribe"),
        ("Abmelden", "unsubscribe"),
        ("se désabonner", "unsubscribe"),
        ("Ik lees elke week", "unknown"),
        ("Hoe kan ik mij afmelden?", "unknown"),
        ("Readers of the week", "unknown"),
        ("Stop de persen", "unknown"),
    ],
)
def test_a_message_without_other_headers_is_classified_by_its_subject(subject, kind):
    found = read(f"{PERSON}Subject: {subject}\n\nTot later.\n")
    assert found.kind == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("> Hallo\n\nAfmelden\n\nOn Monday we wrote:\n> nieuws", "unsubscribe"),
        ("stop", "unsubscribe"),
        ("  Graag afmelden. \n\nJan", "unsubscribe"),
        ("Meld mij af\n", "unsubscribe"),
        ("Kunt u stoppen met bellen?", "unknown"),
        ("> stop\nIk lees het graag", "unknown"),
    ],
)
def test_a_first_line_that_only_asks_to_unsubscribe_is_a_request(body, kind):
    assert read(f"{PERSON}Subject: Re: Nieuws\n\n{body}\n").kind == kind


def test_the_unsubscribe_mail_that_apple_writes_is_a_request():
    content = f"{PERSON}Subject: unsubscribe\nAuto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n\nApple Mail sent this.\n"
    assert read(content).kind is BounceKind.UNSUBSCRIBE


def test_a_mailer_daemon_or_a_report_is_never_an_automatic_reply():
    away = notice(
        "Automatische reactie: Nieuws", f"<{READER}>: 550 5.1.1 User unknown", "MAILER-DAEMON@x.example"
    )
    assert read(away).failures[0].verdict is Verdict.ADDRESS_UNKNOWN
    empty = notice("Nieuws", "Auto", "MAILER-DAEMON@x.example", "Auto-Submitted: auto-replied\n")
    assert read(empty).kind is not BounceKind.AUTO_REPLY


@pytest.mark.slow
def test_a_report_about_thousands_of_recipients_is_read_quickly():
    lines = "".join(f"<reader{number}@lezers.example.com>: 550 5.1.1 unknown\n" for number in range(4000))
    content = notice("Undeliverable: Nieuws", lines, "MAILER-DAEMON@x.example").encode()
    classify_message(content[:2000])
    start = time.process_time()
    classify_message(content)
    assert time.process_time() - start < 3


def test_a_warning_of_a_delay_with_the_footer_of_a_virus_scanner_is_a_notice():
    content = notice(
        "Warning: message 1abc delayed 48 hours",
        "A message that you sent has not yet been delivered to one or more of its recipients.\n\n"
        f"The address to which the message has not yet been delivered is:\n\n  {READER}\n\n"
        "No action is required on your part. Delivery attempts will continue for some time.\n\n"
        "____\n\nThis message was checked by an antivirus system\n",
        sender="Mailer-Daemon@relay.example.org",
    )
    assert read(content).kind is BounceKind.NOTICE


def ses(kind, **more):
    """Return a notification of Amazon SES."""
    return {
        "notificationType": kind,
        "mail": {
            "source": BOUNCE,
            "messageId": "0102-ses",
            "destination": [READER],
            "headers": [{"name": "Message-ID", "value": "<m1@example.org>"}, {"name": "To", "value": READER}],
        },
        **more,
    }


def ses_bounce(sub_type, diagnostic=None, status=None, bounce_type="Permanent"):
    recipient = {"emailAddress": READER, "action": "failed", "status": status, "diagnosticCode": diagnostic}
    bounce = {"bounceType": bounce_type, "bounceSubType": sub_type, "bouncedRecipients": [recipient]}
    return ses("Bounce", bounce=bounce)


def as_mail(event):
    body = f"{json.dumps(event)}\n\n--\nIf you wish to stop receiving notifications from this topic, visit: https://sns.example/\n"
    return notice("Amazon SES Email Event Notification", body, sender="AWS <no-reply@sns.example>")


def as_wrapped_mail(event):
    wrapped = {"Type": "Notification", "Message": json.dumps(event)}
    return notice("AWS Notification Message", json.dumps(wrapped, indent=2))


@pytest.mark.parametrize(
    "write", [as_mail, as_wrapped_mail, json.dumps, lambda event: json.dumps(event, indent=2)]
)
@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        (ses_bounce("General", "smtp; 550 5.1.1 user unknown", "5.1.1"), Verdict.ADDRESS_UNKNOWN),
        (ses_bounce("General", f"smtp; 554 5.7.1 <{BOUNCE}>: Sender address rejected"), Verdict.SENDER_FAULT),
        (ses_bounce("General", "smtp; 554 5.7.1 blocked using zen.spamhaus.org"), Verdict.POLICY),
        (
            ses_bounce("OnAccountSuppressionList", "Amazon SES did not send the message to this address because it is on the suppression list for your account."),
            Verdict.DISABLED,
        ),
        (ses_bounce("NoEmail"), Verdict.ADDRESS_UNKNOWN),
        (ses_bounce("General"), Verdict.UNCLEAR),
        (ses_bounce("MailboxFull", bounce_type="Transient"), Verdict.MAILBOX_FULL),
        (ses_bounce("General", bounce_type="Transient"), Verdict.TEMPORARY),
        (ses_bounce("ContentRejected", bounce_type="Transient"), Verdict.CONTENT),
        (ses_bounce("General", "smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes"), Verdict.TEMPORARY),
    ],
)  # fmt: skip
def test_a_bounce_that_amazon_ses_reports_in_json_is_read(write, event, verdict):
    found = read(write(event))
    assert [(one.recipient, one.verdict) for one in found.failures] == [(READER, verdict)]
    assert "bounce+token" in found.local_parts
    assert found.message_ids == ("<m1@example.org>",)


@pytest.mark.parametrize("write", [as_mail, as_wrapped_mail, json.dumps])
@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (ses("Complaint", complaint={"complainedRecipients": [{"emailAddress": READER}]}), BounceKind.COMPLAINT),
        (
            ses("Complaint", complaint={"complainedRecipients": [{"emailAddress": READER}], "complaintFeedbackType": "abuse"}),
            BounceKind.COMPLAINT,
        ),
        (ses("Complaint", complaint={"complaintFeedbackType": "not-spam"}), BounceKind.NOTICE),
        (ses("Delivery", delivery={"recipients": [READER]}), BounceKind.NOTICE),
        (ses("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull"}), BounceKind.NOTICE),
        (ses("Bounce", bounce={"bouncedRecipients": [None, 7]}), BounceKind.SOFT),
        (ses("Bounce", bounce="?"), BounceKind.SOFT),
    ],
)  # fmt: skip
def test_other_notifications_of_amazon_ses_have_the_right_kind(write, event, kind):
    found = read(write(event))
    assert found.kind is kind
    if kind is BounceKind.COMPLAINT:
        assert READER in found.recipients
        assert "bounce+token" in found.local_parts


@pytest.mark.parametrize("text", ["notificationType", '{"notificationType": "Bounce"', '{"notificationType": "Bounce"} x', "{" * 9000 + "notificationType"])  # fmt: skip
def test_a_text_that_only_looks_like_a_notification_is_unknown(text):
    assert read(notice("Hallo", text, sender="a@example.org")).kind is BounceKind.UNKNOWN
