"""Run one fuzz target with atheris, guided by the coverage of moza_mail: `python -m tests.fuzz.run TARGET`.

All arguments after the target are options of libFuzzer. Inputs that reach new code are kept in build/fuzz/TARGET. A crash is
written to build/fuzz/crashes. The exit code is not 0 after a crash, an input that takes more than 30 seconds or 2 GB of memory.
"""

import logging
import sys
from pathlib import Path

import atheris

INSTRUMENTED = ["moza_mail", "imaplib"]
with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz import targets

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
KEPT = ROOT / "build" / "fuzz"
OPTIONS = ["-timeout=30", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1", "-verbosity=0"]


def main() -> None:
    name, *more = sys.argv[1:]
    if name not in targets.TARGETS:
        raise SystemExit(f"the targets are: {' '.join(targets.TARGETS)}")
    kept, crashes = KEPT / name, KEPT / "crashes"
    for folder in (kept, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    # Libraries log warnings about odd input, which nobody reads here.
    logging.disable(logging.CRITICAL)
    # Modules that are imported at first use must be instrumented too. Otherwise their import would also count as time of the
    # first input.
    with atheris.instrument_imports(include=INSTRUMENTED):
        for seed in sorted((CORPUS / name).iterdir()):
            targets.run(name, seed.read_bytes())

    def run_one(data: bytes) -> None:
        targets.run(name, data)

    arguments = [*OPTIONS, f"-artifact_prefix={crashes}/{name}-", *more, str(kept), str(CORPUS / name)]
    atheris.Setup([sys.argv[0], *arguments], run_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
