import torch

from gatecast import nn

torch.manual_seed(0)
layer = nn.orthogonal_(nn.GRU(3, 64))  # each recurrent block keeps lengths
block = layer.weight_hh_l0[:64]
print("U_r times its transpose is the identity:", torch.allclose(block @ block.T, torch.eye(64), atol=1e-5))

nn.chrono_(layer, longest=168)  # memories from one step to a week of hours
kept = torch.sigmoid((layer.bias_ih_l0 + layer.bias_hh_l0)[64:128])
memory = 1 / (1 - kept)
print(f"memories of {memory.min():.0f} to {memory.max():.0f} steps")

nn.forget_bias_(nn.LSTM(3, 64), 1.0)  # start by remembering
nn.gaussian_(nn.GRU(3, 64), 0.01)  # as textbooks that write a cell out
learnt = nn.LearnedInitialState(nn.GRU(3, 64))  # the first state is trained like a weight
print("learnt:", [name for name, _ in learnt.named_parameters() if "initial" in name])
