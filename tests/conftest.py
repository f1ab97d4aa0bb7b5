"""While the tests run, every annotated shape and type in gatecast is checked.

One thread: the nets are tiny, and several test processes would otherwise wait for each other's threads.
`HYPOTHESIS_PROFILE=long` tries twenty times as many examples of the tests that say `examples(...)`.
"""

import os
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

hook = install_import_hook("gatecast", "beartype.beartype")
torch.set_num_threads(1)
for profile in ("usual", "long"):
    settings.register_profile(profile, deadline=None)  # timings are never asserted
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

from gatecast.kernels.library import built, instruction_sets, library  # noqa: E402 - what is imported later is checked


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[bool | None]:
    """Coverage is not measured in the processes of Ray, which takes one that starts late for a dead one."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("ray"):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


@pytest.fixture(params=[name for name in instruction_sets() if built(name).exists()])
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once with each build of the kernels that this machine can run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATECAST_KERNELS", request.param)
        library.cache_clear()
        yield request.param
    library.cache_clear()
