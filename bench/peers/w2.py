"""W2: 27-81-2 network, tanh on both layers, mean squared error, Adam with L2 form of weight decay."""
import timing as T
torch = T.torch_with_threads()
from torch import nn

ROWS, STEPS, EXPERTS = 65536, 100, 5
X, Y = torch.rand(ROWS, 27) * 2 - 1, torch.rand(ROWS, 2) * 2 - 1
LOSS = nn.MSELoss()


def network():
    return nn.Sequential(nn.Linear(27, 81), nn.Tanh(), nn.Linear(81, 2), nn.Tanh())


class Training:
    """Weights, optimiser and batch position, put back by reset()."""

    def __init__(self, model, batch, **adam):
        self.model, self.batch, self.adam = model, batch, adam
        self.start = {k: v.clone() for k, v in model.state_dict().items()}
        self.reset()

    def reset(self):
        self.model.load_state_dict(self.start)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3, weight_decay=1e-6, **self.adam)
        self.position = 0

    def steps(self):
        for _ in range(STEPS):
            i = self.position
            self.position = (i + self.batch) % (ROWS - self.batch)
            self.optimiser.zero_grad()
            LOSS(self.model(X[i:i + self.batch]), Y[i:i + self.batch]).backward()
            self.optimiser.step()


def variants():
    """Name, model, Adam options: "eager" is what a user writes, the others are documented ways to be quicker."""
    names = torch.optim.Adam.__init__.__code__.co_varnames
    yield "torch-eager", network(), {}
    if "foreach" in names:
        yield "torch-eager-foreach", network(), {"foreach": True}
    if "fused" in names:
        yield "torch-eager-fused", network(), {"fused": True}
    yield "torch-script", torch.jit.script(network()), {}
    if hasattr(torch, "compile"):
        yield "torch-compile", torch.compile(network()), {}


def train(batch):
    metric = f"step_b{batch}"
    if not T.want("W2.train", metric):
        return
    for name, model, adam in variants():
        try:
            training = Training(model, batch, **adam)
            training.steps()
        except Exception as error:  # a variant that this version cannot do is no result
            T.note(f"{name}: {error}")
            continue
        samples, disturbed = T.measure(training.steps, training.reset)
        T.report("W2.train", metric, name, torch.__version__, [s / STEPS for s in samples], "us", disturbed)


def experts(batch):
    metric = f"100steps_each_b{batch}"
    if not T.want("W2.experts5", metric):
        return
    trainings = [Training(network(), batch) for _ in range(EXPERTS)]

    def reset():
        for training in trainings:
            training.reset()

    def in_turn():
        for training in trainings:
            training.steps()
    samples, disturbed = T.measure(in_turn, reset)
    T.report("W2.experts5", metric, "torch-eager", torch.__version__, samples, "ms", disturbed)
    if T.ARGS.threads > 1:
        from concurrent.futures import ThreadPoolExecutor
        torch.set_num_threads(1)
        with ThreadPoolExecutor(T.ARGS.threads) as pool:
            samples, disturbed = T.measure(lambda: list(pool.map(Training.steps, trainings)), reset)
        torch.set_num_threads(T.ARGS.threads)
        T.report("W2.experts5", metric, "torch-eager-pythreads", torch.__version__, samples, "ms", disturbed)


def infer(batch):
    metric = f"forward_b{batch}"
    if not T.want("W2.infer", metric):
        return
    plain = network().eval()
    for name, model in (("torch-eager", plain), ("torch-script-frozen", torch.jit.freeze(torch.jit.script(plain)))):
        position = 0

        def call():
            nonlocal position
            position = (position + batch) % (ROWS - batch)
            with torch.no_grad():
                model(X[position:position + batch])
        samples, disturbed = T.measure(call)
        T.report("W2.infer", metric, name, torch.__version__, samples, "us", disturbed)


for batch in (2048, 16):
    train(batch)
    experts(batch)
    infer(batch)
