"""A model as bytes: the files of its artifact, which loading reads with the same care as from a folder."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from gatecast.artifact import MANIFEST, WEIGHTS
from gatecast.workflow import Model, load, save


def packed(model: Model) -> dict[str, bytes]:
    """The files of a model's artifact."""
    with TemporaryDirectory() as folder:
        path = save(model, folder)
        return {name: (path / name).read_bytes() for name in (MANIFEST, WEIGHTS)}


def unpacked(files: Mapping[str, bytes]) -> Model:
    """The model that was packed, without the table it was fitted on.

    Raises:
        ArtifactError: the files are damaged, or not safe to use.
    """
    with TemporaryDirectory() as folder:
        for name in (MANIFEST, WEIGHTS):
            (Path(folder) / name).write_bytes(files[name])
        return load(folder)
