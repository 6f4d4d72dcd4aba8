"""The outbox: a Maildir that never contains a message twice, or a part of one."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from moza_mail.errors import TransportError
from moza_mail.transport import open_transport
from tests.support.submissions import make_submission, send


def deliver(base: Path, submissions, **options):
    """Send messages to base/outbox."""

    async def main():
        outbox = open_transport("outbox:outbox", base=base)
        ran = await send(outbox, submissions, **options)
        await outbox.close()
        return ran

    return asyncio.run(main())


def files(base: Path) -> list[Path]:
    return sorted((base / "outbox/new").iterdir())


def test_each_recipient_gets_one_file_with_exactly_the_message(tmp_path):
    ran = deliver(tmp_path, 300)

    assert ran.error is None
    assert set(ran.states) == {"accepted"}
    assert sorted(ran.intended) == list(range(300))
    assert {path.read_bytes() for path in files(tmp_path)} == {
        make_submission(key).message.content for key in range(300)
    }
    assert not list((tmp_path / "outbox/tmp").iterdir())


def test_the_outcome_names_the_file(tmp_path):
    ran = deliver(tmp_path, 1)

    assert [ran.outcomes[0].reply.queue_id] == [path.name for path in files(tmp_path)]
    assert files(tmp_path)[0].suffix == ".eml"


def test_a_repeated_message_is_written_once(tmp_path):
    deliver(tmp_path, 20)
    ran = deliver(tmp_path, 20)

    assert set(ran.states) == {"accepted"}
    assert len(files(tmp_path)) == 20


def test_a_message_that_a_mail_reader_has_moved_is_not_written_again(tmp_path):
    deliver(tmp_path, 1)
    (path,) = files(tmp_path)
    path.rename(tmp_path / "outbox/cur" / f"{path.name}:2,S")

    ran = deliver(tmp_path, 2)

    assert ran.states == ["accepted", "accepted"]
    assert [found.read_bytes() for found in files(tmp_path)] == [make_submission(1).message.content]
    assert not list((tmp_path / "outbox/tmp").iterdir())


def test_similar_or_malicious_message_ids_give_different_files_inside_the_folder(tmp_path):
    hostile = [
        "<a/b@x>",
        "<a-b@x>",
        "<A-b@x>",
        "<../../../etc/passwd>",
        "<" + "n" * 300 + "@x>",
        "<>",
        "\x00",
    ]
    submissions = [make_submission(key) for key in range(len(hostile))]
    for submission, message_id in zip(submissions, hostile, strict=True):
        object.__setattr__(submission.message, "message_id", message_id)

    ran = deliver(tmp_path, submissions)

    assert set(ran.states) == {"accepted"}
    assert len({path.name.lower() for path in files(tmp_path)}) == len(hostile)
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]


def test_only_the_owner_can_read_the_outbox(tmp_path):
    old = os.umask(0)
    try:
        deliver(tmp_path, 1)
    finally:
        os.umask(old)

    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "outbox", *(tmp_path / "outbox").iterdir())
    }
    assert modes == {0o700}
    assert stat.S_IMODE(files(tmp_path)[0].stat().st_mode) == 0o600


def test_the_file_is_written_only_after_its_intent_is_recorded(tmp_path):
    seen = []

    deliver(tmp_path, 1, before_body=lambda _: seen.extend(files(tmp_path)))

    assert seen == []
    assert len(files(tmp_path)) == 1


def test_without_a_recorded_intent_no_file_is_written(tmp_path):
    def broken(_key):
        raise OSError("ledger full")

    ran = deliver(tmp_path, 40, before_body=broken)

    assert str(ran.error) == "ledger full"
    assert set(ran.states) == {"pending"}
    assert files(tmp_path) == []
    assert not list((tmp_path / "outbox/tmp").iterdir())


def test_an_unusable_outbox_path_is_named_and_no_submission_is_taken(tmp_path):
    (tmp_path / "outbox").write_text("a file in the way")

    ran = deliver(tmp_path, 3)

    assert isinstance(ran.error, TransportError)
    assert str(tmp_path / "outbox") in ran.error.message
    assert ran.taken == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_is_reported_with_the_path_and_all_deliveries_stay_pending(tmp_path, monkeypatch):
    real = os.open

    def full(path, flags, *rest, **more):
        # The one place where a test cannot have the real thing: a disk without room, which /dev/full is.
        return (
            real("/dev/full", os.O_WRONLY)
            if "/tmp/" in str(path)[len(str(tmp_path)) :]
            else real(path, flags, *rest, **more)
        )

    monkeypatch.setattr(os, "open", full)
    ran = deliver(tmp_path, 300)

    assert isinstance(ran.error, TransportError)
    assert "No space left on device" in ran.error.message
    assert str(tmp_path / "outbox/tmp") in ran.error.message
    assert ran.error.exit_code == 75
    assert set(ran.states) == {"pending"}
    assert len(ran.taken) < 150
    assert files(tmp_path) == []


def test_a_symbolic_link_in_the_outbox_is_not_followed(tmp_path):
    deliver(tmp_path, 1)
    (path,) = files(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "outbox/tmp" / f"0.{path.name}").symlink_to(victim)

    ran = deliver(tmp_path, 1)

    assert ran.states == ["accepted"]
    assert victim.read_text() == "precious"
    assert not files(tmp_path)[0].is_symlink()
