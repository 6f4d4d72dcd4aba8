"""Python processes of their own, for tests of what happens between processes and when one is killed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ChildProcess(subprocess.Popen):
    """A process that is killed when it does not end in time, so that it outlives no test."""

    def communicate(self, *arguments, **more):
        try:
            return super().communicate(*arguments, **more)
        except subprocess.TimeoutExpired:
            self.kill()
            super().communicate()
            raise


def start_python(program: str, *arguments: object, **more) -> ChildProcess:
    """A Python process that runs a program and can import the tests' helpers."""
    return ChildProcess(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        **more,
    )


def read_output(process: ChildProcess) -> str:
    """All that a child prints, once it ends well."""
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    return text
