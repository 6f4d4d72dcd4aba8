"""A small disk: a tmpfs in a mount namespace of its own, as root or in a user namespace."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class SmallDisk:
    """A tmpfs, which only the processes of its namespace see at `mount_point`.

    path: the same folder as this process sees it.
    """

    holder: int
    mount_point: Path
    path: Path

    def run(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the disk, in the mount point."""
        enter = ["nsenter", "--target", str(self.holder), "--mount"]
        if os.geteuid():
            enter += ["--user", "--preserve-credentials"]
        # The folder must be opened within the namespace, which nsenter does too early.
        inside = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(self.mount_point)]
        return subprocess.run(
            [*enter, *inside, *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def leave_free(self, kilobytes: int) -> None:
        """Fill the disk, so that only this much is free."""
        self.free()
        disk = os.statvfs(self.path)
        filler = disk.f_bavail * disk.f_frsize - kilobytes * 1024
        with (self.path / "filler").open("wb") as file:
            file.write(bytes(max(filler, 0)))

    def free(self) -> None:
        """Free the space that `leave_free` filled."""
        (self.path / "filler").unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(mount_point: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a tmpfs; skip the test, with the reason, if this account may not."""
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("a small disk needs the programs unshare and nsenter")
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = f"mount -t tmpfs -o size={megabytes}m,mode=0777 tmpfs '{mount_point}' && echo mounted && exec sleep 600"
    holder = subprocess.Popen(
        ["unshare", "--mount", *rights, "sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 10
        path = Path(f"/proc/{holder.pid}/root{mount_point}")
        while not path.is_mount() and holder.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if holder.poll() is not None or not path.is_mount():
            holder.kill()
            _, reason = holder.communicate(timeout=10)
            pytest.skip(f"this account may not mount a small disk: {reason.strip()}")
        yield SmallDisk(holder=holder.pid, mount_point=mount_point, path=path)
    finally:
        holder.kill()
        holder.communicate(timeout=10)
