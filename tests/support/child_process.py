"""Python processes of their own, for tests of what happens between processes and when one is killed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def child(program: str, *arguments: object, **more) -> subprocess.Popen[str]:
    """A Python process that has the builders and prints what it wants to say."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **more,
    )


def said(process: subprocess.Popen[str]) -> str:
    """All that a child says, once it ends well."""
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    return text
