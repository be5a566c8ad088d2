"""Both sides compute the same step of W2 before anything is timed.

    check.py write DIR           inputs, targets and start weights as plain float32 files, NAME.f32
    check.py compare DIR BATCH   PyTorch's loss, gradients and loss of step 100 against ours_*.f32 in DIR

Tolerances (float32): outputs 1e-6 absolute, gradients 1e-5 of the largest, loss of step 100 1e-4 relative.
"""
import os
import sys
import numpy

ROWS = 65536
NAMES = ("w1", "b1", "w2", "b2")
SHAPES = {"x": (ROWS, 27), "y": (ROWS, 2), "w1": (81, 27), "b1": (81,), "w2": (2, 81), "b2": (2,)}


def write(folder):
    rng = numpy.random.default_rng(7)
    bound = {"x": 1.0, "y": 1.0, "w1": 27 ** -0.5, "b1": 27 ** -0.5, "w2": 81 ** -0.5, "b2": 81 ** -0.5}
    for name in SHAPES:
        values = rng.uniform(-bound[name], bound[name], SHAPES[name]).astype("f4")
        values.tofile(os.path.join(folder, name + ".f32"))


def compare(folder, batch):
    import torch
    from torch import nn
    torch.set_num_threads(1)

    def load(name):
        values = numpy.fromfile(os.path.join(folder, name + ".f32"), "f4")
        return torch.from_numpy(values.reshape(SHAPES.get(name, -1)))
    x, y = load("x"), load("y")
    model = nn.Sequential(nn.Linear(27, 81), nn.Tanh(), nn.Linear(81, 2), nn.Tanh())
    parameters = dict(zip(NAMES, model.parameters()))
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(load(name))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6)
    faults, position = [], 0

    def judge(what, ours, theirs, limit):
        error = float((ours.reshape(theirs.shape) - theirs).abs().max())
        print(f"  {what}: difference {error:.2e}, limit {limit:.2e}")
        if not error <= limit:
            faults.append(what)

    for step in range(100):
        optimiser.zero_grad()
        output = model(x[position:position + batch])
        loss = nn.functional.mse_loss(output, y[position:position + batch])
        loss.backward()
        if step == 0:
            judge("outputs", load("ours_output"), output.detach(), 1e-6)
            judge("loss", load("ours_loss"), loss.detach().reshape(1), 1e-6)
            for name, parameter in parameters.items():
                judge("gradient of " + name, load("ours_grad_" + name), parameter.grad, 1e-5 * float(parameter.grad.abs().max()))
        optimiser.step()
        position = (position + batch) % (ROWS - batch)
    judge("loss of step 100", load("ours_loss100"), loss.detach().reshape(1), 1e-4 * float(loss))
    return not faults


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2])
    else:
        sys.exit(0 if compare(sys.argv[2], int(sys.argv[3])) else 1)
