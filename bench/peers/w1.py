"""W1: the wavelet extractor in PyTorch, the usual way and a careful one; W8.wavelet by float emulation.

    w1.py --check write DIR      inputs of a comparison as plain float32 files
    w1.py --check compare DIR    features, gradients and integers of bench_wavelet --check DIR against PyTorch's

Tolerances: features 1e-5 relative, gradients 1e-4 of the largest, integers equal.
"""
import os
import sys

CHECK = sys.argv[2:] if sys.argv[1:2] == ["--check"] else None
if CHECK:
    sys.argv = sys.argv[:1]
import timing as T
torch = T.torch_with_threads()
import numpy
from torch import nn
from torch.nn import functional as F

TAPS, STRIDE, LEVELS, SAMPLES = 40, 2, 7, 900
BEFORE, BEHIND = TAPS - STRIDE, TAPS - 1


class Usual(nn.Module):
    """Two convolutions per level, explicit padding, activation, pooling and dropout as modules."""

    def __init__(self, share):
        super().__init__()
        self.pairs = nn.ModuleList(nn.ModuleList(nn.Conv1d(1, 1, TAPS, STRIDE, bias=False) for _ in range(2))
                                   for _ in range(LEVELS))
        self.pad, self.fold = nn.ConstantPad1d((BEFORE, BEHIND), 0.0), nn.LeakyReLU(-1.0)
        self.pool, self.drop = nn.AdaptiveAvgPool1d(1), nn.Dropout(share)

    def put(self, filters):
        for pair, taps in zip(self.pairs, filters):
            for branch in range(2):
                pair[branch].weight.copy_(taps[branch].view(1, 1, TAPS))

    def gradient(self):
        return torch.stack([torch.cat([branch.weight.grad.view(-1) for branch in pair]) for pair in self.pairs]).view(-1)

    def forward(self, x):
        features = []
        for feat, narrow in self.pairs:
            features.append(self.pool(self.fold(feat(self.pad(x)))).flatten(1))
            x = self.drop(narrow(self.pad(x)))
        features.append(self.pool(self.fold(x)).flatten(1))
        return torch.cat(features, 1)


class Careful(nn.Module):
    """One convolution of two channels per level, functional padding, abs and mean."""

    def __init__(self, share):
        super().__init__()
        self.levels, self.share = nn.ModuleList(nn.Conv1d(1, 2, TAPS, STRIDE, bias=False) for _ in range(LEVELS)), share

    def forward(self, x):
        features = []
        for level in self.levels:
            both = level(F.pad(x, (BEFORE, BEHIND)))
            features.append(both[:, 0].abs().mean(-1))
            x = both[:, 1:]
            if self.share:
                x = F.dropout(x, self.share, self.training)
        features.append(x[:, 0].abs().mean(-1))
        return torch.stack(features, 1)


def rounded(t):
    return torch.clamp(torch.round(t * 64), -255, 255) / 64


def emulated(x, filters):
    """Nine bits, six behind the point, the mean by floats."""
    x, features = rounded(x), []
    for taps in filters:
        both = F.conv1d(F.pad(x, (BEFORE, BEHIND)), taps, stride=STRIDE)
        features.append(rounded(both[:, 0].abs().mean(-1)))
        x = both[:, 1:]
        if len(features) < LEVELS:
            x = rounded(x)
    features.append(rounded(x[:, 0].abs().mean(-1)))
    return torch.stack(features, 1)


def write(folder):
    rng = numpy.random.default_rng(1)
    for name, shape, sigma in (("x", (192, SAMPLES), 1), ("filters", (LEVELS, 2, TAPS), 0.2), ("g", (192, 8), 1 / 192)):
        (sigma * rng.standard_normal(shape)).astype("f4").tofile(os.path.join(folder, f"w1_{name}.f32"))


def compare(folder):
    def load(name, *shape):
        return torch.from_numpy(numpy.fromfile(os.path.join(folder, f"w1_{name}.f32"), "f4").reshape(shape))
    x, filters, g = load("x", 192, 1, SAMPLES), load("filters", LEVELS, 2, TAPS), load("g", 192, 8)
    model = Usual(0.0)
    with torch.no_grad():
        model.put(filters)
        integers = emulated(x.double(), [rounded(w).double().view(2, 1, TAPS) for w in filters]) * 64
    features = model(x)
    features.backward(g)
    gradient, faults = model.gradient(), 0
    for what, error, limit in (
            ("features", float(((load("ours_features", 192, 8) - features) / features).abs().max()), 1e-5),
            ("gradient", float((load("ours_gradient", 560) - gradient).abs().max() / gradient.abs().max()), 1e-4),
            ("integers", float((load("ours_integers", 192, 8) - integers).abs().max()), 0)):
        print(f"  {what} of W1: difference {error:.2e}, limit {limit:.0e}")
        faults += not error <= limit
    return faults == 0


def report(workload, metric, name, call, **more):
    samples, disturbed = T.measure(call)
    T.report(workload, metric, name, torch.__version__, samples, "ms", disturbed, **more)


def step_of(kind, x, g, share):
    model = kind(share).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1.25e-3, eps=1e-8, weight_decay=1.5e-5)

    def step():
        optimiser.zero_grad()
        model(x).backward(g)
        optimiser.step()
    return step


def time_all():
    torch.manual_seed(1)
    for windows in (12288, 768, 192):
        metric = f"N{windows}"
        train, infer = T.want("W1.train", f"step_{metric}"), T.want("W1.infer", f"forward_{metric}")
        if not train and not infer:
            continue
        x, g = torch.randn(windows, 1, SAMPLES), torch.randn(windows, 8) / windows
        for kind, name in ((Usual, "torch-eager"), (Careful, "torch-careful")):
            if train:
                report("W1.train", f"step_{metric}", name, step_of(kind, x, g, 0.0))
                report("W1.train", f"step_{metric}", name + "-dropout0.2", step_of(kind, x, g, 0.2))
            if infer:
                model = kind(0.0).eval()
                with torch.no_grad():
                    report("W1.infer", f"forward_{metric}", name, lambda: model(x))
    if T.want("W8.wavelet", "w9f6_N768"):
        x, filters = torch.randn(768, 1, SAMPLES), [rounded(torch.randn(2, 1, TAPS) * 0.2) for _ in range(LEVELS)]
        with torch.no_grad():
            report("W8.wavelet", "w9f6_N768", "torch-eager", lambda: emulated(x, filters))


if CHECK:
    if CHECK[0] == "write":
        write(CHECK[1])
    else:
        sys.exit(0 if compare(CHECK[1]) else 1)
else:
    time_all()
