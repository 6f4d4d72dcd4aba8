"""Import mutated subscriber files."""

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.fuzz.mutations import EDITS, mutate, seeds
from tests.support.examples import examples
from tests.support.project_folder import folder


def test_a_refused_import_stores_nobody(tmp_path):
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
