"""Save and load: `model.json` and `weights.safetensors`; nothing on the load path can execute anything.

safetensors alone still accepts absurd shapes, NaN weights and a swapped file, so loading checks, in this order: the
size of the manifest before it is read, its keys, its types and its own sha256; then, against the net that it describes,
the size of the weights before they are read, their sha256, and every tensor's name, type, shape and finiteness.  A
sha256 guards against accidents: somebody who alters a model on purpose can write a fitting one, and then meets the
other checks.
"""

from gatecast.artifact.manifest import MANIFEST, WEIGHTS, About, Manifest, read_manifest
from gatecast.artifact.reading import Loaded, load, load_all
from gatecast.artifact.writing import save, weights_bytes

__all__ = [
    "MANIFEST",
    "WEIGHTS",
    "About",
    "Loaded",
    "Manifest",
    "load",
    "load_all",
    "read_manifest",
    "save",
    "weights_bytes",
]
