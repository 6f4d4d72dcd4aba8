"""The commands of an operator against a real Postfix with wrong settings, which are then corrected."""

import pytest

from tests.support.postfix import postfix
from tests.support.project_folder import ISSUE, folder

READERS = 12


@pytest.fixture
def project(tmp_path):
    """Return a project with twelve readers at example.org."""
    here = folder(tmp_path)
    here.add_readers(READERS)
    return here


def test_recipients_refused_by_a_misconfigured_relay_are_held_and_mailed_with_a_flag(project):
    # A classic mistake: the readers' domain is in mydestination, so the relay looks for accounts of its own.
    with postfix(
        "mydestination = relay.test, example.org", "local_recipient_maps = inline:{ root=x }"
    ) as server:
        project.set(relay=server.relay)
        sent = project.run("send", ISSUE, "--yes")
        assert (sent.code, project.states()) == (3, {"refused": READERS})
        status = project.run("status")
        assert status.code == 3
        assert f"{READERS} held (example.org, address_unknown)" in status.out
        assert project.run("status", "--suppressed", "--json").json["suppressions"] == []

        server.configure()
        again = project.run("send", ISSUE, "--yes")
        assert project.states() == {"refused": READERS}, again.out
        asked = project.run("send", ISSUE, "--retry-refused")
        assert asked.code == 2
        assert f"{READERS} refused, address_unknown: 550 5.1.1" in asked.err
        assert "User unknown in local recipient table" in asked.err
        other = project.run("send", ISSUE, "--retry-refused", "--verdict", "mailbox_full", "--yes")
        assert project.states() == {"refused": READERS}, other.out
        done = project.run("send", ISSUE, "--retry-refused", "--verdict", "address_unknown", "--yes")
        # They are still held: 72 hours without a bounce would release them, or a person does.
        assert (done.code, project.states()) == (3, {"accepted": READERS}), done.err
        assert server.log.count("status=sent") == READERS
        assert (
            project.run("bounces", "reject", ISSUE, "--yes").out.strip() == f"{READERS} stay in the audience"
        )
        assert project.run("status").code == 0
