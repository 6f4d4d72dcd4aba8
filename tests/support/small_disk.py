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
    """A tmpfs. Only the processes in its mount namespace see it at `mount_point`.

    holder: the id of a process that keeps the namespace open.
    path: the path of the same folder for this process.
    """

    holder: int
    mount_point: Path
    path: Path

    def run(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the mount point as its working folder."""
        enter = ["nsenter", "--target", str(self.holder), "--mount"]
        if os.geteuid():
            enter += ["--user", "--preserve-credentials"]
        # nsenter would change to the folder before it enters the namespace, so the shell changes to it.
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
        """Fill the disk, so that only this many kilobytes are free."""
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
    """Mount a tmpfs. Skip the test if this account has no permission to mount."""
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
