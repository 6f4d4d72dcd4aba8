"""Cache the definite answers of the last day.

The cache is one file that may be deleted at any time.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from moza_mail.model.link import LinkAnswer, LinkState

FILE = "links.json"
FORMAT = 1
MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCache:
    """Caches the results of link checks in a file in `folder`, with a .gitignore beside it."""

    folder: Path

    def load(self, now: datetime) -> dict[str, LinkAnswer]:
        """Return the answers that are still fresh, by URL.

        Return no answers if the file is missing or cannot be read.
        """
        path = self.folder / FILE
        try:
            if path.stat().st_size > MAX_BYTES:
                return {}
            cached = json.loads(path.read_text(encoding="utf-8"))
            if cached["format"] != FORMAT:
                return {}
            answers = [_from_json(url, entry) for url, entry in cached["answers"].items()]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}
        return {answer.url: answer for answer in answers if answer.is_fresh(now) and answer.state.is_definite}

    def save(self, answers: Iterable[LinkAnswer], now: datetime) -> bool:
        """Add definite answers to the fresh answers; return False if the file cannot be written."""
        known = self.load(now) | {answer.url: answer for answer in answers if answer.state.is_definite}
        entries = {url: _to_json(answer) for url, answer in sorted(known.items())}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".gitignore").write_text("*\n", encoding="utf-8")
            _write_atomically(
                self.folder / FILE, json.dumps({"format": FORMAT, "answers": entries}, indent=1)
            )
        except OSError:
            return False
        return True


def _write_atomically(path: Path, text: str) -> None:
    """Write the whole file, or leave the old file unchanged."""
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _to_json(answer: LinkAnswer) -> dict[str, str]:
    return {
        "state": answer.state.value,
        "reason": answer.reason,
        "moved_to": answer.moved_to,
        "checked_at": answer.checked_at.isoformat(),
    }


def _from_json(url: str, entry: Any) -> LinkAnswer:
    return LinkAnswer(
        url=url,
        state=LinkState(entry["state"]),
        reason=str(entry["reason"]),
        moved_to=str(entry["moved_to"]),
        checked_at=datetime.fromisoformat(entry["checked_at"]),
        is_cached=True,
    )
