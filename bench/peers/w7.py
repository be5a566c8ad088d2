"""W7: matrix products of the shapes that occur, through torch and numpy."""
import timing as T
torch = T.torch_with_threads()
import numpy

SHAPES = [(n, n, n) for n in (64, 128, 256, 512, 1024)] + [
    (2048, 81, 27), (2048, 2, 81), (27, 81, 2048), (16, 81, 27), (512, 16, 128), (512, 128, 16), (64, 128, 1568),
    (5000, 2, 1536)]

for m, n, k in SHAPES:
    metric = f"{m}x{n}x{k}"
    if not T.want("W7.gemm", metric):
        continue
    a, b = numpy.random.rand(m, k).astype("f4"), numpy.random.rand(k, n).astype("f4")
    c = numpy.empty((m, n), "f4")
    ta, tb, tc = (torch.from_numpy(x) for x in (a, b, c))
    flop = 2e-9 * m * n * k
    for name, version, call in (("torch", torch.__version__, lambda: torch.mm(ta, tb, out=tc)),
                                ("numpy", numpy.__version__, lambda: numpy.dot(a, b, out=c))):
        samples, disturbed = T.measure(call)
        T.report("W7.gemm", metric, name, version, samples, "us", disturbed, gflops=flop / min(samples))
