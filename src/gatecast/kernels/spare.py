"""Room that one call leaves to the next.

What a training step needs for a moment, the next step needs again in the same sizes.  Fresh memory costs a page fault
for each 4 KiB; so large buffers are remembered, and handed out again once nobody refers to them.
"""

from collections import deque
from math import prod
from threading import Lock

import torch
from torch import Tensor

SMALL = 2**13  # floats; below, the allocator of torch has room at hand
FLOAT = 4  # bytes
MOST_KEPT = 2**28  # bytes, of all buffers together
MOST_BUFFERS = 32

_kept: deque[tuple[int, torch.UntypedStorage]] = deque()  # with their sizes in floats
_lock = Lock()


def room(*shape: int) -> Tensor:
    """A float32 tensor of this shape, without gaps, whose values are whatever was there before."""
    floats = prod(shape)
    if floats < SMALL:
        return torch.empty(shape)
    with _lock:
        return torch.empty(0).set_(_free(floats), 0, shape)  # type: ignore[call-overload]  # torch finds the strides


def _free(floats: int) -> torch.UntypedStorage:
    """A remembered buffer of this size that nobody refers to, or a new one."""
    for size, storage in _kept:
        if size == floats and torch._C._storage_Use_Count(storage._cdata) == 1:  # noqa: SLF001 - there is no public count
            return storage
    with torch.inference_mode(mode=False):
        storage = torch.empty(floats).untyped_storage()
    _kept.append((floats, storage))
    while len(_kept) > MOST_BUFFERS or FLOAT * sum(size for size, _ in _kept) > MOST_KEPT:
        _kept.popleft()
    return storage
