"""While the tests run, every annotated shape and type in gatecast is checked.

One thread: the nets are tiny, and several test processes would otherwise wait for each other's threads.
"""

import torch
from jaxtyping import install_import_hook

hook = install_import_hook("gatecast", "beartype.beartype")
torch.set_num_threads(1)
