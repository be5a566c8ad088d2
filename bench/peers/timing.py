"""Timing of a peer in a process of its own. Import first: it sets threads before torch or numpy read them.

The parent (run.py) has already set the CPU mask and the scheduling group. A repeat is a loop of at least --min-time
seconds; state is reset before each; a repeat in which the kernel took the core away more than 20 times a second is
disturbed and taken again while clean ones are few. Prints one JSON line per result with every repeat in "samples".
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

_parser = argparse.ArgumentParser()
_parser.add_argument("--threads", type=int, default=1)
_parser.add_argument("--filter", default="", help="run only results whose 'workload/metric' contains this")
_parser.add_argument("--repeats", type=int, default=3)
_parser.add_argument("--min-time", type=float, default=0.06)
_parser.add_argument("--warm", type=float, default=0.3)
ARGS = _parser.parse_args()

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[_name] = str(ARGS.threads)
# Binding pins the main thread at the first OpenMP region, and pools started later inherit its one-core mask;
# the others name kernels of older processors and would hold the peer back.
for _name in ("OMP_PROC_BIND", "OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA"):
    os.environ.pop(_name, None)


def want(workload, metric):
    return ARGS.filter in f"{workload}/{metric}"


def measure(call, reset=None, repeats=None):
    """Seconds per call, one entry per repeat, and the number of disturbed repeats."""
    repeats = repeats or ARGS.repeats
    if reset:
        reset()
    call()
    shortest, end = float("inf"), time.perf_counter() + ARGS.warm
    while True:
        start = time.perf_counter()
        call()
        shortest = min(shortest, time.perf_counter() - start)
        if time.perf_counter() >= end:
            break
    inner = max(1, int(ARGS.min_time / max(shortest, 1e-9)))
    clean, disturbed = [], []
    while len(clean) < repeats and len(clean) + len(disturbed) < 3 * repeats:
        if reset:
            reset()
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        start = time.perf_counter()
        for _ in range(inner):
            call()
        seconds = time.perf_counter() - start
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - switches
        (clean if switches <= 1 + 20 * seconds else disturbed).append(seconds / inner)
    return (clean or disturbed), len(disturbed)


def report(workload, metric, peer, version, samples, unit, disturbed=0, **extra):
    scale = {"s": 1.0, "ms": 1e3, "us": 1e6, "MiB": 1.0}[unit]
    values = [float(f"{s * scale:.6g}") for s in samples]
    print(json.dumps(dict(workload=workload, peer=peer, version=version, threads=ARGS.threads, metric=metric,
                          value=statistics.median(values), unit=unit, repeats=len(values), min=min(values),
                          max=max(values), disturbed=disturbed, samples=values, **extra)), flush=True)


def torch_with_threads():
    import torch
    torch.set_num_threads(ARGS.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    return torch


def note(text):
    print(f"# {text}", file=sys.stderr, flush=True)
