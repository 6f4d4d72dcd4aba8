"""Separate Python processes, for tests with several processes or with a kill."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ChildProcess(subprocess.Popen):
    """A process that is killed if it does not end in time, so that it never outlives its test."""

    def communicate(self, *arguments, **more):
        try:
            return super().communicate(*arguments, **more)
        except subprocess.TimeoutExpired:
            self.kill()
            super().communicate(timeout=10)
            raise


def start_python(program: str, *arguments: object, **more) -> ChildProcess:
    """Start a Python process that runs this source text and can import the test helpers."""
    return ChildProcess(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        **more,
    )


def read_output(process: ChildProcess) -> str:
    """Return the output of a process after it has ended successfully."""
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    return text
