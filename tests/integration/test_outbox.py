"""The outbox: a Maildir that never contains a message twice, or a part of one."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from moza_mail.errors import TransportError
from moza_mail.transport import open_transport
from tests.support.submissions import make_submission, send


def deliver(base: Path, letters, **options):
    """Send messages to base/outbox."""

    async def main():
        outbox = open_transport("outbox:outbox", base=base)
        ran = await send(outbox, letters, **options)
        await outbox.close()
        return ran

    return asyncio.run(main())


def files(base: Path) -> list[Path]:
    return sorted((base / "outbox/new").iterdir())


def test_each_reader_gets_one_file_with_exactly_the_message(tmp_path):
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


def test_the_same_message_again_is_still_one_file(tmp_path):
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


def test_message_ids_that_look_alike_or_climb_out_stay_apart_inside(tmp_path):
    hostile = [
        "<a/b@x>",
        "<a-b@x>",
        "<A-b@x>",
        "<../../../etc/passwd>",
        "<" + "n" * 300 + "@x>",
        "<>",
        "\x00",
    ]
    letters = [make_submission(key) for key in range(len(hostile))]
    for submission, message_id in zip(letters, hostile, strict=True):
        object.__setattr__(submission.message, "message_id", message_id)

    ran = deliver(tmp_path, letters)

    assert set(ran.states) == {"accepted"}
    assert len({path.name.lower() for path in files(tmp_path)}) == len(hostile)
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]


def test_only_we_can_read_it(tmp_path):
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


def test_the_file_appears_only_after_it_was_announced(tmp_path):
    seen = []

    deliver(tmp_path, 1, before_body=lambda _: seen.extend(files(tmp_path)))

    assert seen == []
    assert len(files(tmp_path)) == 1


def test_what_the_ledger_could_not_note_never_appears(tmp_path):
    def broken(_key):
        raise OSError("ledger full")

    ran = deliver(tmp_path, 40, before_body=broken)

    assert str(ran.error) == "ledger full"
    assert set(ran.states) == {"pending"}
    assert files(tmp_path) == []
    assert not list((tmp_path / "outbox/tmp").iterdir())


def test_a_path_that_cannot_be_a_folder_is_named_and_nobody_is_taken(tmp_path):
    (tmp_path / "outbox").write_text("a file in the way")

    ran = deliver(tmp_path, 3)

    assert isinstance(ran.error, TransportError)
    assert str(tmp_path / "outbox") in ran.error.message
    assert ran.taken == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk_stops_with_the_path_and_everyone_given_back(tmp_path, monkeypatch):
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


def test_a_link_laid_in_the_way_is_not_followed(tmp_path):
    deliver(tmp_path, 1)
    (path,) = files(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "outbox/tmp" / f"0.{path.name}").symlink_to(victim)

    ran = deliver(tmp_path, 1)

    assert ran.states == ["accepted"]
    assert victim.read_text() == "precious"
    assert not files(tmp_path)[0].is_symlink()
