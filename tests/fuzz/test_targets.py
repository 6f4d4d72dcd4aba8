"""Each kind of input that others write, with mutations of a corpus: only our own errors, each a sentence."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.mutations import EDITS, mutate, seeds
from tests.support.examples import examples


@pytest.mark.parametrize("name", targets.TARGETS)
def test_inputs_of_the_corpus_raise_only_our_own_errors(name):
    for seed in seeds(name):
        targets.run(name, seed)
        targets.run(name, seed[: len(seed) // 2])
    targets.run(name, b"")


@pytest.mark.parametrize("name", targets.TARGETS)
def test_mutated_inputs_raise_only_our_own_errors(name):
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
