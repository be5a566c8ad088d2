"""W9, peer's half: the process that run.py starts and times until its first training step is done."""
import sys
import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]))
model = nn.Sequential(nn.Linear(27, 81), nn.Tanh(), nn.Linear(81, 2), nn.Tanh())
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.rand(2048, 27), torch.rand(2048, 2)
optimiser.zero_grad()
nn.functional.mse_loss(model(x), y).backward()
optimiser.step()
