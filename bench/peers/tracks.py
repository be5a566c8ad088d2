"""Track files and one million tracks through trained networks, as a user of NumPy and PyTorch does it.

tracks.py read FILE: reads one file and ends (time and memory of a process)."""
import sys

HEADER_LINES, FIRST, TARGETS = 2, 9, 36


def read(numpy, path):
    table = numpy.loadtxt(path, skiprows=HEADER_LINES, dtype=numpy.float32)
    return table[:, FIRST:TARGETS], table[:, TARGETS:TARGETS + 2], table[:, TARGETS + 2::2], table[:, 6]


if __name__ == "__main__" and sys.argv[1:2] == ["read"]:
    import numpy
    print(len(read(numpy, sys.argv[2])[0]), "tracks")
    sys.exit(0)

import os
import tempfile

import timing as T
torch = T.torch_with_threads()
import numpy
from torch import nn

TRACKS, FILE_TRACKS, CHUNK = 1_000_000, 4998, 8192


def text_of(tracks):
    """A file of the experiment's form: header, empty line, nine whole numbers, 33 numbers with six digits."""
    generator = numpy.random.default_rng(1)
    values = generator.uniform(-1, 1, (tracks, 33))
    rows = ("\t".join(["20", "1", "0", str(i), "0", "1", "0", "27", "2"] + [f"{v:.6g}" for v in values[i]])
            for i in range(tracks))
    return "\t".join(f"column_{i}" for i in range(42)) + "\n\n" + "\n".join(rows) + "\n"


def reading():
    with tempfile.TemporaryDirectory() as folder:
        path, kept = os.path.join(folder, "tracks.csv"), os.path.join(folder, "tracks.pt")
        with open(path, "w") as file:
            file.write(text_of(FILE_TRACKS))

        def parse():
            return [torch.from_numpy(part.copy()) for part in read(numpy, path)]
        torch.save(parse(), kept)
        for metric, call in (("text", parse), ("cached", lambda: torch.load(kept))):
            if T.want("NT.read", metric):
                samples, disturbed = T.measure(call)
                T.report("NT.read", metric, "torch-eager", torch.__version__, samples, "ms", disturbed)


class Half(nn.Module):
    def forward(self, x):
        return torch.tanh(x / 2)


class ModelA:
    """The integers of the trigger's hardware in float64, which holds every sum: 12 fraction bits, table look-up."""

    def __init__(self, network):
        size = 9938
        middle = (torch.arange(size, dtype=torch.float64) + 0.5 - 2.0 ** -13) / 2 ** 10
        self.table = torch.round(torch.tanh(middle.float().double() / 2) * 4096)
        self.table[9937:] = 4096
        rounded = [torch.round(p.detach().double() * 1024) for p in network.parameters()]
        self.layers = [(w.t().contiguous(), b * 4096) for w, b in zip(rounded[::2], rounded[1::2])]

    def __call__(self, x):
        x = torch.trunc(x.double() * 4096)
        for weight, bias in self.layers:
            sums = x @ weight + bias
            index = torch.clamp(sums.abs() / 4096, max=9937).long()
            x = torch.where(sums < 0, -self.table[index], self.table[index])
        return x


def inference():
    network = nn.Sequential(nn.Linear(27, 81), Half(), nn.Linear(81, 2), Half()).eval()
    x = torch.rand(TRACKS, 27) * 2 - 1
    for metric, model in (("1e6_float", network), ("1e6_model_a", ModelA(network))):
        if not T.want("NT.infer", metric):
            continue

        def at_once():
            with torch.no_grad():
                return model(x)

        def in_chunks():
            with torch.no_grad():
                return torch.cat([model(part) for part in x.split(CHUNK)])
        for name, call in (("torch-eager", at_once), ("torch-eager-chunks", in_chunks)):
            samples, disturbed = T.measure(call)
            T.report("NT.infer", metric, name, torch.__version__, samples, "ms", disturbed)


reading()
inference()
