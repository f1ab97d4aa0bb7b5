import torch

from gatecast import nn

torch.manual_seed(0)
d, h = 3, 8  # 输入特征数、隐藏单元数
X = torch.randn(20, 5, d, dtype=torch.float64)  # (时间步, 批量, 特征)
W_xr, W_xz, W_xh = torch.randn(3, d, h, dtype=torch.float64)
W_hr, W_hz, W_hh = torch.randn(3, h, h, dtype=torch.float64)
b_r, b_z, b_h = torch.randn(3, h, dtype=torch.float64)


def textbook(*, keep_is_z: bool) -> torch.Tensor:
    """教材里的 GRU，逐步写出来；keep_is_z 说明 Z 乘在旧状态上，还是乘在候选状态上。"""
    H, states = torch.zeros(5, h, dtype=torch.float64), []
    for X_t in X:
        R = torch.sigmoid(X_t @ W_xr + H @ W_hr + b_r)  # 重置门
        Z = torch.sigmoid(X_t @ W_xz + H @ W_hz + b_z)  # 更新门
        H_tilde = torch.tanh(X_t @ W_xh + (R * H) @ W_hh + b_h)  # 候选状态：先乘 R，再乘矩阵
        H = Z * H + (1 - Z) * H_tilde if keep_is_z else (1 - Z) * H + Z * H_tilde
        states.append(H)
    return torch.stack(states)


def ours(sign: int) -> torch.Tensor:
    """同样的权重放进 nn.GRU；sign = -1 把 z 换成 1 - z。"""
    layer = nn.GRU(d, h, reset_after=False).double()
    weights = {  # 三块的顺序是 r、z、n
        "weight_ih_l0": torch.cat([W_xr, sign * W_xz, W_xh], dim=1).T,  # 教材写 X W，torch 写 W x，所以转置
        "weight_hh_l0": torch.cat([W_hr, sign * W_hz, W_hh], dim=1).T,
        "bias_ih_l0": torch.cat([b_r, sign * b_z, b_h]),
        "bias_hh_l0": torch.zeros(3 * h),  # torch 有两组偏置，教材只有一组
    }
    layer.load_state_dict(weights)
    return layer(X)[0]


print("《动手学深度学习》：", torch.allclose(ours(+1), textbook(keep_is_z=True), rtol=1e-10))
print("z 乘在候选状态上的教材：", torch.allclose(ours(-1), textbook(keep_is_z=False), rtol=1e-10))
print("忘了换 1 - z，最大相差", f"{(ours(+1) - textbook(keep_is_z=False)).abs().max():.1f}")
