import torch

from gatecast import nn

torch.manual_seed(0)
d, h = 3, 8
X = torch.randn(20, 5, d, dtype=torch.float64)
W_xi, W_xf, W_xo, W_xc = torch.randn(4, d, h, dtype=torch.float64)
W_hi, W_hf, W_ho, W_hc = torch.randn(4, h, h, dtype=torch.float64)
b_i, b_f, b_o, b_c = torch.randn(4, h, dtype=torch.float64)

H, C = torch.zeros(2, 5, h, dtype=torch.float64)
for X_t in X:
    i = torch.sigmoid(X_t @ W_xi + H @ W_hi + b_i)  # 输入门 I
    f = torch.sigmoid(X_t @ W_xf + H @ W_hf + b_f)  # 遗忘门 F
    o = torch.sigmoid(X_t @ W_xo + H @ W_ho + b_o)  # 输出门 O
    g = torch.tanh(X_t @ W_xc + H @ W_hc + b_c)  # 候选记忆元 C̃
    C = f * C + i * g
    H = o * torch.tanh(C)

layer = nn.LSTM(d, h).double()
weights = {
    "weight_ih_l0": torch.cat([W_xi, W_xf, W_xc, W_xo], dim=1).T,  # torch 的顺序是 i、f、g、o：候选在输出门之前
    "weight_hh_l0": torch.cat([W_hi, W_hf, W_hc, W_ho], dim=1).T,
    "bias_ih_l0": torch.cat([b_i, b_f, b_c, b_o]),
    "bias_hh_l0": torch.zeros(4 * h),
}
layer.load_state_dict(weights)
_, (h_n, c_n) = layer(X)
print("隐藏状态一致：", torch.allclose(h_n[0], H, rtol=1e-10), "；记忆元一致：", torch.allclose(c_n[0], C, rtol=1e-10))
