"""Read a folder of newsletters as issues, and print how many are rendered without a loss.

    python -m benchmarks.corpus FOLDER [--lang en] [--list]

The front matter of each file is replaced by our own, so only its text matters. A file is damaged if a word or a link
of a reference rendering is missing in the HTML or in the text version.
"""

import argparse
import re
from collections import Counter
from pathlib import Path
from time import perf_counter

from moza_mail import parse, render
from moza_mail.errors import MozaMailError
from tests.support import builders
from tests.support.reference_rendering import find_losses, words_of

FRONT_MATTER = re.compile(
    r"\A(?:---\n.*?\n(?:---|\.\.\.)\n|\+\+\+\n.*?\n\+\+\+\n|(?:[A-Za-z_-]+:[^\n]*\n)+\n)", re.DOTALL
)
SUFFIXES = {".md", ".markdown", ".qmd"}


def body_of(text: str) -> str:
    """Return the text below the front matter, in the format of any site generator."""
    return FRONT_MATTER.sub("", parse.normalize_line_endings(text), count=1)


def judge(text: str, lang: str) -> tuple[str, str]:
    """Return the result for one file (without loss, damaged, refused or crashed), and the reason."""
    body = body_of(text)
    try:
        issue = parse.parse_issue(
            f"---\ntitle: Newsletter\ndate: 2026-01-14\nlang: {lang}\n---\n{body}", "x.md"
        )
        mail = render.render_issue(
            issue, builders.theme(), builders.COLOPHON, zone=builders.AMSTERDAM, images={}
        ).fill_with_typical_values()
    except MozaMailError as error:
        reason = str(getattr(error, "reason", error))
        return "refused", re.sub(r"`[^`]*`|'[^']*'|\d+", "...", reason)
    except Exception as error:  # noqa: BLE001  # every bug of ours is counted
        return "crashed", repr(error)
    # The agenda shows a recognised date in a short form, so its words may be missing.
    restated = words_of(" ".join(event.when for event in issue.events if event.dates))
    losses = find_losses(body, mail.html, mail.text, restated)
    return ("damaged", str(losses)[:300]) if losses else ("without loss", "")


def main() -> None:
    """Read the options, and print the figures of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lang", default="en")
    parser.add_argument("--list", action="store_true", help="print each file that is not without loss")
    options = parser.parse_args()
    results: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    began = perf_counter()
    for path in sorted(path for path in options.folder.rglob("*") if path.suffix in SUFFIXES):
        result, why = judge(path.read_text(encoding="utf-8", errors="replace"), options.lang)
        results[result] += 1
        if result == "refused":
            reasons[why] += 1
        if options.list and why:
            print(f"{result}: {path}: {why}")
    total = results.total()
    print(f"{total} files in {perf_counter() - began:.1f} s")
    for result in ("without loss", "damaged", "refused", "crashed"):
        print(f"{results[result]:6} {result} ({results[result] / max(total, 1):.1%})")
    for reason, count in reasons.most_common():
        print(f"{count:6} refused: {reason}")


if __name__ == "__main__":
    main()
