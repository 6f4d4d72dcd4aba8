"""Each kind of input that others write, with mutations of a corpus: only our own errors, each a sentence."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.support.examples import examples
from tests.support.project_folder import folder

CORPUS = Path(__file__).parent / "corpus"
# Pieces that parsers treat in a special way.
TOKENS = [
    b"\0", b"\r\n", b"\n\n", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b[31m", b"{{", b"}}", b"---\n", b"```", b"[", b"](", b"<",
    b"9" * 20, b"-1", b"&#0;", b"{9999999999}", b"=?utf-8?b?", b"%00", b"\xc0\x0c", b'"', b"'", b",", b";", b"@", b"* ", b"a" * 300,
]  # fmt: skip


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def mutate(seed: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Replace some bytes at each of the places, which are fractions of the length."""
    for place, removed, inserted in edits:
        start = int(place * len(seed))
        seed = seed[:start] + inserted + seed[start + removed :]
    return seed


EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6))),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_corpus_gives_only_our_own_errors(name):
    for seed in seeds(name):
        targets.run(name, seed)
        targets.run(name, seed[: len(seed) // 2])
    targets.run(name, b"")


@pytest.mark.parametrize("name", targets.TARGETS)
def test_mutations_give_only_our_own_errors(name):
    @examples(60, suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(
            st.builds(mutate, st.sampled_from(seeds(name)), EDITS),
            st.binary(max_size=300),
        )
    )
    def check(data: bytes) -> None:
        targets.run(name, data)

    check()


def test_an_import_that_is_refused_stores_nobody(tmp_path):
    """Either all rows of a file are stored, or none."""
    here = folder(tmp_path)

    @examples(15, suppress_health_check=list(HealthCheck))
    @given(st.builds(mutate, st.sampled_from(seeds("subscribers")), EDITS))
    def check(data: bytes) -> None:
        before = here.run("subscribers", "list", "--json").out
        (tmp_path / "readers.csv").write_bytes(data)
        done = here.run("subscribers", "import", "readers.csv", "--yes", "--consent", "form")
        assert done.code in {0, 1, 2, 3}, done.err
        if done.code in {1, 2}:
            assert here.run("subscribers", "list", "--json").out == before

    check()
