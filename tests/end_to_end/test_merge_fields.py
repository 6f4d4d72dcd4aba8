"""Merge fields, from the column of an import to the mail."""

import pytest

from tests.support.project_folder import folder, only_states

ISSUE = """---
title: Weekly van 14 januari
date: 2026-01-14
subject: '{{ name }}, dit is de weekly'
summary: 'Voor {{ organisatie | default("iedereen") }}: wat er deze week gebeurde'
---

## Algemeen

Beste {{ voornaam | default("lezer") }}, er is nieuws voor {{ organisatie }}.
"""
READERS = '''email,name,voornaam,organisatie
zoe@example.org,Zoë <b>de Vries</b>,Zoë & Jan,"Bakkerij ""De Korst"""
bo@example.org,Bo,,Gemeente Ede
an@example.org,An,An,
'''


@pytest.fixture
def project(tmp_path):
    project = folder(tmp_path)
    lists = project.path / "subscribers" / "lists.toml"
    lists.write_text(lists.read_text() + 'attributes = ["voornaam", "organisatie"]\n')
    (project.path / "issues" / "groet.md").write_text(ISSUE)
    (project.path / "lezers.csv").write_text(READERS)
    assert project.run("subscribers", "import", "--yes", "lezers.csv", "--consent", "test").code == 0
    return project


def bodies(message):
    return [part.get_content() for part in message.iter_parts()]


def test_recipients_get_their_values_and_those_without_are_skipped_and_counted(project):
    dry = project.run("send", "groet", "--dry-run", "--json")
    assert (dry.json["audience"], dry.json["messages"]) == (3, 2)
    missing = [{"reason": "missing_value", "detail": "no value for organisatie", "count": 1}]
    assert dry.json["skipped"] == missing
    assert "subject  {{ name }}, dit is de weekly" in dry.err
    assert "to       2 of weekly (not: 1 without a value for organisatie)" in dry.err

    sent = project.run("send", "groet", "--yes", "--json")
    assert sent.code == 0
    assert (sent.json["states"], sent.json["skipped"]) == (only_states(accepted=2, skipped=1), missing)
    mails = {message["To"].addresses[0].addr_spec: message for message in project.outbox()}
    assert set(mails) == {"zoe@example.org", "bo@example.org"}

    zoe, bo = mails["zoe@example.org"], mails["bo@example.org"]
    assert zoe["Subject"] == "Zoë <b>de Vries</b>, dit is de weekly"
    text, html = bodies(zoe)
    assert 'Beste Zoë & Jan, er is nieuws voor Bakkerij "De Korst".' in text
    assert "Beste Zoë &amp; Jan, er is nieuws voor Bakkerij &quot;De Korst&quot;." in html
    assert "Voor Bakkerij &quot;De Korst&quot;: wat er deze week gebeurde" in html
    assert bo["Subject"] == "Bo, dit is de weekly"
    assert "Beste lezer, er is nieuws voor Gemeente Ede." in bodies(bo)[0]
    assert "slot.invalid" not in "".join(part for mail in mails.values() for part in bodies(mail))

    status = project.run("status", "--state", "skipped")
    assert "1 skipped: 1 no value for organisatie" in status.out
    assert "an@example.org" in status.out
    assert project.run("send", "groet", "--yes").code == 0
    assert len(project.outbox()) == 2


def test_the_names_of_recipients_are_frozen_when_the_mailing_begins(project):
    project.run("send", "groet", "--yes", "--limit", "1")
    (project.path / "later.csv").write_text("email,name,organisatie\nbo@example.org,Anders,Elders\n")
    project.run("subscribers", "import", "--yes", "later.csv", "--consent", "test")
    project.run("send", "groet", "--yes")
    bo = next(mail for mail in project.outbox() if mail["To"].addresses[0].addr_spec == "bo@example.org")
    assert bo["Subject"] == "Bo, dit is de weekly"
    assert "nieuws voor Gemeente Ede." in bodies(bo)[0]
    held = project.run("subscribers", "show", "bo@example.org", "--json").json["deliveries"]
    assert held[0]["values"] == {"organisatie": "Gemeente Ede"}


def test_a_changed_default_is_refused_during_a_mailing(project):
    project.run("send", "groet", "--yes", "--limit", "1")
    path = project.path / "issues" / "groet.md"
    path.write_text(ISSUE.replace('"lezer"', '"collega"'))
    refused = project.run("send", "groet", "--yes")
    assert (refused.code, "has changed" in refused.err) == (1, True)


@pytest.mark.parametrize("command", ["show", "check", "render", "send"])
def test_an_unknown_field_is_reported_with_its_line(project, command):
    path = project.path / "issues" / "groet.md"
    path.write_text(ISSUE.replace("{{ voornaam |", "{{ vornaam |"))
    extra = {"render": ("-o", "uit"), "send": ("--yes",)}.get(command, ())
    refused = project.run(command, "groet", *extra)
    assert refused.code == 1
    assert "groet.md, line 10: there is no merge field `vornaam`" in refused.err
    assert "name, voornaam, organisatie" in refused.err
    assert project.outbox() == []


def test_an_unknown_field_in_the_subject_is_reported_with_its_line(project):
    (project.path / "issues" / "groet.md").write_text(ISSUE.replace("{{ name }}", "{{ naam }}"))
    assert "groet.md, line 4: there is no merge field `naam`" in project.run("show", "groet").err


def test_without_any_subscriber_with_a_value_nothing_is_mailed(project):
    (project.path / "lezers.csv").write_text("email,name\nbo@example.org,Bo\n")
    (project.path / "subscribers" / "moza-mail.db").unlink()
    project.run("--new-store", "subscribers", "import", "--yes", "lezers.csv", "--consent", "test")
    refused = project.run("send", "groet", "--yes")
    assert refused.code == 1
    assert "can be mailed (not: 1 without a value for organisatie)" in refused.err


def test_render_and_a_test_copy_use_an_example_recipient(project):
    assert project.run("render", "groet", "-o", "uit").code == 0
    text = (project.path / "uit" / "issue.txt").read_text()
    html = (project.path / "uit" / "issue.html").read_text()
    for shown in (text, html):
        assert "Beste lezer, er is nieuws voor [organisatie]." in shown
        assert "slot.invalid" not in shown
    assert project.run("send", "groet", "--test", "ik@example.org").code == 0
    (copy,) = project.outbox()
    assert copy["Subject"] == "[TEST] Lezer Voorbeeld, dit is de weekly"
    assert copy["To"] == "ik@example.org"
    assert "Beste lezer, er is nieuws voor [organisatie]." in bodies(copy)[0]


def test_show_lists_the_merge_fields(project):
    shown = project.run("show", "groet")
    assert "fields: name (subscribers without it are skipped), organisatie (default 'iedereen')" in shown.out
    assert project.run("show", "groet", "--json").json["fields"][2] == {
        "name": "voornaam",
        "default": "lezer",
        "line": 10,
    }
