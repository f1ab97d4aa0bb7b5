import torch

torch.manual_seed(0)
T, F, H = 30, 2, 8  # steps, features, units
x, target = torch.randn(T, F, dtype=torch.float64), torch.randn(T, H, dtype=torch.float64)
W, U = (torch.randn(H, width, dtype=torch.float64) / H**0.5 for width in (F, H))
W.requires_grad_(), U.requires_grad_()

h = [torch.zeros(H, dtype=torch.float64)]  # forward: every state is kept
for t in range(T):
    h.append(torch.tanh(W @ x[t] + U @ h[-1]))
loss = sum((h[t + 1] - target[t]).square().sum() for t in range(T))
loss.backward()

with torch.no_grad():
    dw, du, dh = torch.zeros_like(W), torch.zeros_like(U), torch.zeros(H, dtype=torch.float64)
    for t in reversed(range(T)):
        dh = dh + 2 * (h[t + 1] - target[t])  # what later steps say of h, and what the loss of this step says
        da = dh * (1 - h[t + 1] ** 2)  # through tanh
        dw += torch.outer(da, x[t])  # the same W at every step: its gradients add up
        du += torch.outer(da, h[t])
        dh = U.T @ da  # one step back in time
print("W as autograd has it:", torch.allclose(dw, W.grad, rtol=1e-12))
print("U as autograd has it:", torch.allclose(du, U.grad, rtol=1e-12))
