"""The corpus of each kind of input, and random edits of it."""

from pathlib import Path

from hypothesis import strategies as st

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
