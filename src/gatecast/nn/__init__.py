"""Stacked recurrent layers over time: `output, state = layer(x, state)`.

`RNN`, `LSTM` and `GRU` have torch.nn's constructor, call, state_dict and numbers; `MinGRU`, `MinLSTM`, `IndRNN` and
`SLSTM` are called alike.  `RecurrentStack` has residuals, dilations, norms and further dropouts between its layers.
`RNNCell`, `LSTMCell` and `GRUCell` take one step, as torch.nn's do; `gatecast.cells` has a cell of every kind, with its
gates.  `load_torch`, `load_keras` and `load_neuralforecast` take weights that were trained elsewhere.
"""

from gatecast.cells.initialization import chrono_, forget_bias_, gaussian_, orthogonal_
from gatecast.nn.config import CELLS, LayerConfig
from gatecast.nn.dropin import GRU, LSTM, RNN
from gatecast.nn.dropin_cells import GRUCell, LSTMCell, RNNCell
from gatecast.nn.explaining import explain_backend, trace, watch
from gatecast.nn.initial_state import LearnedInitialState
from gatecast.nn.keras import gru_from_keras, load_keras
from gatecast.nn.layers import GRUD, SLSTM, IndRNN, MinGRU, MinLSTM
from gatecast.nn.neuralforecast import load_neuralforecast
from gatecast.nn.recurrent import recurrent_layer
from gatecast.nn.stacked import RecurrentStack
from gatecast.nn.stacking import Trace
from gatecast.nn.stepping import stepper
from gatecast.nn.torch_weights import load_torch

__all__ = [
    "CELLS",
    "GRU",
    "GRUD",
    "LSTM",
    "RNN",
    "SLSTM",
    "GRUCell",
    "IndRNN",
    "LSTMCell",
    "LayerConfig",
    "LearnedInitialState",
    "MinGRU",
    "MinLSTM",
    "RNNCell",
    "RecurrentStack",
    "Trace",
    "chrono_",
    "explain_backend",
    "forget_bias_",
    "gaussian_",
    "gru_from_keras",
    "load_keras",
    "load_neuralforecast",
    "load_torch",
    "orthogonal_",
    "recurrent_layer",
    "stepper",
    "trace",
    "watch",
]
