import torch

from gatecast import nn

x = torch.randn(20, 5, 3)  # (seq, batch, feature), the default

output, h_n = nn.GRU(3, 8)(x)
print("one layer        output", tuple(output.shape), " h_n", tuple(h_n.shape))
print("                 output[-1] == h_n[-1]:", torch.equal(output[-1], h_n[-1]))

output, h_n = nn.GRU(3, 8, batch_first=True)(x.transpose(0, 1))
print("batch_first      output", tuple(output.shape), " h_n", tuple(h_n.shape), "- the state is never batch first")
print("                 output[:, -1] == h_n[-1]:", torch.equal(output[:, -1], h_n[-1]))

output, (h_n, c_n) = nn.LSTM(3, 8)(x)
print("LSTM             output", tuple(output.shape), " h_n", tuple(h_n.shape), " c_n", tuple(c_n.shape))

output, h_n = nn.GRU(3, 8, num_layers=2, bidirectional=True)(x)
print("2 layers, both   output", tuple(output.shape), "h_n", tuple(h_n.shape))
by_layer = h_n.view(2, 2, 5, 8)  # (layers, directions, batch, hidden)
print("                 forwards ends at the last step: ", torch.equal(output[-1, :, :8], by_layer[-1, 0]))
print("                 backwards ends at the first one:", torch.equal(output[0, :, 8:], by_layer[-1, 1]))

output, h_n = nn.GRU(3, 8)(x[:, 0])
print("one sequence     output", tuple(output.shape), "    h_n", tuple(h_n.shape))
