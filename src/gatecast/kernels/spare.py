"""Room that one call leaves to the next.

What a training step needs for a moment, the next step needs again in the same sizes.  Fresh memory costs a page fault
for each 4 KiB; so large buffers are remembered, and handed out again once nobody refers to them.
"""

from collections import deque
from threading import Lock

import torch
from torch import Tensor

SMALL = 2**13  # floats; below, the allocator of torch has room at hand
MOST_KEPT = 2**28  # bytes, of all buffers together
MOST_BUFFERS = 32

_kept: deque[Tensor] = deque()
_lock = Lock()


def room(*shape: int) -> Tensor:
    """A float32 tensor of this shape, without gaps, whose values are whatever was there before."""
    floats = torch.Size(shape).numel()
    if floats < SMALL:
        return torch.empty(shape)
    with _lock:
        storage = _free(floats).untyped_storage()
    return torch.empty(0).set_(storage, 0, shape)  # type: ignore[call-overload]  # torch finds the strides


def _free(floats: int) -> Tensor:
    """A remembered buffer of this size that nobody refers to, or a new one."""
    for buffer in _kept:
        if len(buffer) == floats and _is_unused(buffer):
            return buffer
    with torch.inference_mode(mode=False):
        buffer = torch.empty(floats)
    _kept.append(buffer)
    while len(_kept) > MOST_BUFFERS or sum(map(len, _kept)) * buffer.element_size() > MOST_KEPT:
        _kept.popleft()
    return buffer


def _is_unused(buffer: Tensor) -> bool:
    """Whether nothing but this list refers to the memory: one count is the buffer's, one this question's."""
    return torch._C._storage_Use_Count(buffer.untyped_storage()._cdata) == 2  # noqa: SLF001 - there is no public count
