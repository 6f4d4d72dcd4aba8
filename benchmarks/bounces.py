"""Compare the verdicts of moza-mail on a folder of bounces with those of Sisimai and of a person.

usage: bounces.py FOLDER [VERDICTS.tsv] [--misses]

FOLDER holds one message per file, such as `maildir/bsd` of github.com/sisimai/set-of-emails. The table has the columns
file, recipient, sisimai, sisimai_hard and verdict. A person decided each verdict.
"""

import csv
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from moza_mail.bounces import classify_message
from moza_mail.model.bounce import FAILURE_KINDS
from moza_mail.model.verdict import HARD_VERDICTS

TABLE = Path(__file__).parent / "data" / "sisimai-verdicts.tsv"
HARD = {verdict.value for verdict in HARD_VERDICTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The verdicts of Sisimai, a person and moza-mail about one recipient of a bounce.

    expected: the person's verdict.
    found: the verdict of moza-mail.
    """

    file: str
    sisimai: str
    sisimai_hard: bool
    expected: str
    found: str
    detail: str = ""


def read_expected(table: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of the table by file."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            rows[row["file"]].append(row)
    return rows


def classify(path: Path) -> tuple[list[tuple[str, str]], float]:
    """Return the verdict and reply for each recipient of a bounce, and the seconds that this took.

    A message that is not a bounce has its kind instead of a verdict.
    """
    content = path.read_bytes()
    start = time.perf_counter()
    report = classify_message(content)
    seconds = time.perf_counter() - start
    if report.kind in FAILURE_KINDS:
        return [(one.verdict.value, f"{one.recipient}: {one.reply}") for one in report.failures], seconds
    return [(report.kind.value, "")], seconds


def pair(path: Path, expected: list[dict[str, str]], found: list[tuple[str, str]]) -> Iterable[Line]:
    """Pair each row of the table with a verdict that was found.

    Equal verdicts are paired first, and the others in their order.
    """
    left = list(found)
    for row in sorted(expected, key=lambda row: row["verdict"] not in {verdict for verdict, _ in found}):
        match = next((one for one in left if one[0] == row["verdict"]), next(iter(left), ("missing", "")))
        if match in left:
            left.remove(match)
        yield Line(
            file=path.name,
            sisimai=row["sisimai"] or "-",
            sisimai_hard=row["sisimai_hard"] == "true",
            expected=row["verdict"],
            found=match[0],
            detail=match[1],
        )


def main(folder: Path, table: Path, *, misses: bool) -> None:
    """Print the matrix, the shares and, if asked, each miss."""
    expected = read_expected(table)
    lines: list[Line] = []
    slowest = (0.0, "")
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        found, seconds = classify(path)
        slowest = max(slowest, (seconds, path.name))
        lines += pair(path, expected.get(path.name, []), found)
    print_matrix(lines)
    print(f"\n{len(files)} messages, {len(lines)} recipients; slowest {slowest[0]:.3f} s ({slowest[1]})")
    hard = [line for line in lines if line.expected in HARD]
    full = [line for line in lines if line.expected == "mailbox_full"]
    wrong = [line for line in lines if line.found in HARD and line.expected not in HARD]
    lost = [line for line in lines if line.found == "auto_reply" and line.expected not in {"auto_reply", ""}]
    sisimai = [line for line in lines if line.sisimai_hard]
    print_share("hard, of those that a person calls hard", hard, HARD)
    print_share("hard, of those that Sisimai calls hard", sisimai, HARD)
    print_share("full", full, {"mailbox_full"})
    print(f"hard and wrong: {len(wrong)}")
    print(f"failures read as automatic replies: {len(lost)}")
    print(f"same verdict as the person: {sum(line.found == line.expected for line in lines)} of {len(lines)}")
    if misses:
        for line in lines:
            if line.found != line.expected:
                print(
                    f"{line.file}: {line.found}, not {line.expected} (Sisimai: {line.sisimai}) {line.detail[:200]}"
                )


def print_share(name: str, lines: list[Line], accepted: set[str]) -> None:
    """Print how many lines have one of the accepted verdicts."""
    right = sum(line.found in accepted for line in lines)
    share = 100 * right / len(lines) if lines else 0
    print(f"{name}: {right} of {len(lines)} ({share:.1f} %)")


def print_matrix(lines: list[Line]) -> None:
    """Print Sisimai's reasons as rows and our verdicts as columns."""
    counts = Counter((line.sisimai, line.found) for line in lines)
    columns = sorted({found for _, found in counts})
    print(f"{'Sisimai':<18}" + "".join(f"{column[:9]:>10}" for column in columns))
    for row in sorted({sisimai for sisimai, _ in counts}):
        print(f"{row:<18}" + "".join(f"{counts[row, column] or '.':>10}" for column in columns))


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--misses"]
    if not arguments:
        raise SystemExit(__doc__)
    main(Path(arguments[0]), Path(arguments[1]) if arguments[1:] else TABLE, misses="--misses" in sys.argv)
