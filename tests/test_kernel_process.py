"""The kernels in a process: forks, Python's threads, memory, and what changes while they work."""

import multiprocessing
import os
import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from gatecast import nn
from kernel_kinds import KINDS, every_kind


def _child(layer: Any, x: Tensor, queue: Any) -> None:
    torch.set_num_threads(2)
    with torch.no_grad():
        queue.put(layer(x)[0].numpy().tobytes())


@pytest.mark.parametrize("kind", ["gru", "mingru"])  # one of each way through time
def test_a_forked_child_computes_after_its_parent_used_threads(kind: str) -> None:
    before = torch.get_num_threads()
    layer, x = KINDS[kind](8, 64), torch.randn(60, 70, 8)
    try:
        torch.set_num_threads(2)
        with torch.no_grad():
            expected = layer(x)[0].numpy().tobytes()
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_child, args=(layer, x, queue), daemon=True)
        child.start()
        found = queue.get(timeout=60)
        child.join(timeout=60)
    finally:
        torch.set_num_threads(before)
    assert child.exitcode == 0
    assert found == expected


def test_python_threads_may_call_at_once() -> None:
    layers = [nn.GRU(8, 64), nn.LSTM(8, 32)]
    x = torch.randn(40, 64, 8)
    expected = [layer(x)[0].detach() for layer in layers]
    same: list[bool] = []

    def work(number: int) -> None:
        same.extend(torch.equal(layers[number % 2](x)[0].detach(), expected[number % 2]) for _ in range(20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 120


def resident() -> int:
    """Bytes of memory this process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")  # noqa: PTH110
@every_kind
def test_memory_does_not_grow_over_many_steps(kind: str) -> None:
    layer, x, state = KINDS[kind](4, 64), torch.randn(1, 1, 4), None
    with torch.no_grad():
        for turn in range(1100):
            if turn == 100:
                before = resident()
            _, state = layer(x, state)
    assert resident() - before < 2**19


@every_kind
def test_a_weight_changed_between_forward_and_backward_is_noticed(kind: str) -> None:
    for name, _ in KINDS[kind](3, 6).named_parameters():
        layer = KINDS[kind](3, 6)
        loss = layer(torch.randn(5, 2, 3))[0].sum()
        with torch.no_grad():
            getattr(layer, name).mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@every_kind
def test_an_output_changed_before_the_backward_pass_is_noticed(kind: str) -> None:
    layer = KINDS[kind](3, 6)
    output, _ = layer(torch.randn(5, 2, 3))
    output.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.sum().backward()


@every_kind
def test_python_threads_that_call_one_layer_get_their_own_results(kind: str) -> None:
    layer, inputs = KINDS[kind](8, 32), torch.randn(6, 40, 64, 8)
    expected = [layer(x)[0].detach() for x in inputs]
    same: list[bool] = []

    def work(number: int) -> None:
        same.extend(torch.equal(layer(inputs[number])[0].detach(), expected[number]) for _ in range(50))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 300
