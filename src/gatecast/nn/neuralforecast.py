"""The encoder of NeuralForecast's RNN, GRU, LSTM or DeepAR: their `hist_encoder`, which is a layer of torch.nn.

NeuralForecast is not imported: what is read is a module, its state_dict, or a file that it saved.  Version 3.3 saves
`GRU_0.safetensors`, which is read with the same care as gatecast's own files.  A `.ckpt` of an older version is a
pickle, and is not read: its hyperparameters are Python objects, which torch.load(weights_only=True) refuses as well.
The decoder (an MLP, or one linear layer) stays where it is: it reads the encoder's output at the last steps.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from gatecast.errors import ArtifactError, InputError
from gatecast.nn.foreign import Convention, Layer, Nonlinearity, layer_of
from gatecast.nn.torch_weights import below, convention_of
from gatecast.saved import header_of, read_file

ENCODER = "hist_encoder"
REMEDY = (
    "Give a fitted model, such as nf.models[0] of an RNN, GRU, LSTM or DeepAR, its state_dict, or the .safetensors "
    "that nf.save writes for it."
)
TRUSTED = (
    "Where you trust who wrote it, read it with NeuralForecast and hand over nf.models[0], or save it anew with its "
    "version 3.3, which writes .safetensors."
)
MOST_BYTES = 2**31


def load_neuralforecast(source: object, *, nonlinearity: Nonlinearity | None = None) -> Layer:
    """The layer of `gatecast.nn` that computes what the encoder of a NeuralForecast model computes, batch first.

    Args:
        source: the fitted model or its encoder; a state_dict of either; or the path of a `.safetensors` file.
        nonlinearity: of an RNN in a state_dict or a file, `tanh` or `relu`; a model says it itself.  Version 3.3
            computes tanh, whatever its `encoder_activation` was.

    Raises:
        InputError: the source holds no recurrent encoder, or its weights are not those of one.
        ArtifactError: the file cannot be read, or is a pickle.
    """
    weights = _read(Path(source)) if isinstance(source, str | Path) else source
    if isinstance(weights, Mapping):
        return layer_of(_encoder(weights), Convention(nonlinearity=nonlinearity), REMEDY)
    encoder = dict(source.named_children()).get(ENCODER, source) if isinstance(source, nn.Module) else source
    if not isinstance(encoder, nn.RNNBase):
        inside = f", whose {ENCODER} is {type(encoder).__name__}" if encoder is not source else ""
        raise InputError(f"there is no recurrent encoder in {type(source).__name__}{inside}. {REMEDY}")
    return layer_of(encoder.state_dict(), convention_of(encoder), REMEDY)


def _encoder(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder's weights, among those of the model or alone."""
    return below(weights, f"{ENCODER}.") or dict(weights)


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file."""
    if path.suffix != ".safetensors":
        raise ArtifactError(f"{path.name} is no .safetensors file; a .ckpt is a pickle, which can run code. {TRUSTED}")
    data = read_file(path, MOST_BYTES, REMEDY)
    try:
        header_of(data)
        return load_tensors(data)
    except (ArtifactError, SafetensorError) as error:
        raise ArtifactError(f"{path} is damaged: {str(error).rstrip('.')}. {REMEDY}") from error
