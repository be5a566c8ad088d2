"""Times Thimble and PyTorch on the same workloads, alternating in one sitting, and prints the ratios.

A claim is the smaller of the ratio of medians and the ratio of minima. With two threads the peer may also use one
thread, and either build of OpenBLAS: its best counts. Numbers are compared before anything is timed. See README.md.
"""
import argparse
import datetime
import glob
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# workload/metric: unit, gate, aim with one thread, aim with two threads; times of the reference machine
TARGETS = {
    "W2.train/step_b2048": ("us", 300, 140, 75),
    "W2.train/step_b16": ("us", 8, 2.0, None),
    "W2.experts5/100steps_each_b2048": ("ms", 150, 70, 40),
    "W2.experts5/100steps_each_b16": ("ms", 4, 1.0, 0.55),
    "W2.infer/forward_b2048": ("us", 130, 75, 42),
    "W2.infer/forward_b16": ("us", 2.5, 0.65, None),
    "W1.train/step_N12288": ("ms", 110, 38, 20),
    "W1.train/step_N768": ("ms", None, None, None),
    "W1.train/step_N192": ("ms", 1.6, 0.55, 0.29),
    "W1.infer/forward_N12288": ("ms", 30, 12, 6.2),
    "W1.infer/forward_N768": ("ms", None, None, None),
    "W1.infer/forward_N192": ("ms", 0.45, 0.16, 0.085),
    "W8.wavelet/w9f6_N768": ("ms", None, None, None),
    "NT.read/text": ("ms", 50, None, None),
    "NT.read/cached": ("ms", 5, None, None),
    "NT.infer/1e6_float": ("ms", 1000, None, None),
    "NT.infer/1e6_model_a": ("ms", 1000, None, None),
    "NT.read_373k/peak_rss": ("MiB", 179, None, None),
    "W5.big/fit_n5000_p1536_q2_k10": ("ms", 40, 11, None),
    "W5.channels/192fits_n5000_p8_q2_k2": ("ms", 10, 2.5, None),
    "W5.decoder/fit_rotate_lstsq_r2_n5000": ("ms", 40, 12, None),
    "W5.lstsq/fit_n5000_p384_q2": ("ms", None, None, None),
    "W5.r2/n5000_q2": ("ms", None, None, None),
    "W9.startup/wall": ("ms", 25, 8, None),
    "W9.startup/peak_rss": ("MiB", 20, 8, None),
}
# the same as ratios against the usual PyTorch row, which travel between machines
RATIOS = {
    "W2.train/step_b2048": (2.5, 5.3, 6.9),
    "W2.train/step_b16": (17, 69, None),
    "W2.experts5/100steps_each_b2048": (2.5, 5.3, 6),
    "W2.experts5/100steps_each_b16": (17, 70, 128),
    "W2.infer/forward_b2048": (3.1, 5.5, None),
    "W2.infer/forward_b16": (5.5, 21, None),
    "W1.train/step_N12288": (20, 58, None),
    "W1.train/step_N192": (14, 40, None),
    "W1.infer/forward_N12288": (34, 86, None),
    "W1.infer/forward_N192": (7.8, 22, None),
    "W8.wavelet/w9f6_N768": (6, 18, None),
    "W5.big/fit_n5000_p1536_q2_k10": (40, 148, None),
    "W5.channels/192fits_n5000_p8_q2_k2": (29, 118, None),
    "W5.decoder/fit_rotate_lstsq_r2_n5000": (9.7, 32, None),
    "W9.startup/wall": (35, 108, None),
    "W9.startup/peak_rss": (12, 31, None),
}
USUAL = "torch-eager"
# what is timed next to each other: our program, the peer's script, and the workload/metric texts in turn
GROUPS = [("bench_step", "w2.py", f"W2.{part}_b{batch}") for batch in (2048, 16)
          for part in ("train/step", "experts5/100steps_each", "infer/forward")]
GROUPS += [("bench_wavelet", "w1.py", f"W1.{part}_N{windows}") for windows in (12288, 768, 192)
           for part in ("train/step", "infer/forward")] + [("bench_wavelet", "w1.py", "W8.wavelet/w9f6_N768")]
GROUPS += [("bench_pls", "w5.py", f"W5.{part}") for part in (
    "big/fit_n5000_p1536_q2_k10", "channels/192fits_n5000_p8_q2_k2", "decoder/fit_rotate_lstsq_r2_n5000",
    "lstsq/fit_n5000_p384_q2", "r2/n5000_q2")]
GROUPS += [("bench_tracks", "tracks.py", f"NT.{part}") for part in ("read/text", "read/cached", "infer/1e6_float",
                                                                  "infer/1e6_model_a")]
GROUPS += [("bench_kernels", "w7.py", f"W7.gemm/{shape}") for shape in (
    "64x64x64", "128x128x128", "256x256x256", "512x512x512", "1024x1024x1024", "2048x81x27", "2048x2x81", "27x81x2048",
    "16x81x27", "512x16x128", "512x128x16", "64x128x1568", "5000x2x1536")]
SCALE = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class Results:
    """All repeats of every row, keyed by (threads, workload/metric, row name); times in the unit of the row."""

    def __init__(self, out):
        self.rows, self.units, self.disturbed, self.out = {}, {}, 0, out

    def add(self, record):
        record["date"] = datetime.date.today().isoformat()
        if self.out:
            self.out.write(json.dumps(record) + "\n")
            self.out.flush()
        key = (record["threads"], f"{record['workload']}/{record['metric']}", record["peer"])
        self.rows.setdefault(key, []).extend(record.get("samples") or [record["value"]])
        self.units[key[1]] = record["unit"]
        self.disturbed += record.get("disturbed", 0)

    def of(self, threads, metric, ours):
        return {name: samples for (t, m, name), samples in self.rows.items()
                if t == threads and m == metric and name.startswith("thimble") == ours}


def environment(threads, extra=None):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    for name in ("OMP_PROC_BIND", "OPENBLAS_CORETYPE", "LD_PRELOAD"):
        env.pop(name, None)
    env.update(extra or {})
    return env


def placed(threads):
    """Runs in the child: CPU mask (one thread takes the last CPU), and a scheduling group of its own with high weight."""
    cpus = sorted(os.sched_getaffinity(0))

    def place():
        os.sched_setaffinity(0, cpus[-threads:])
        try:
            os.setsid()
            with open("/proc/self/autogroup", "w") as group:
                group.write("-20")
            os.setpriority(os.PRIO_PROCESS, 0, -20)
        except OSError:
            pass  # without the right to raise the priority the count of disturbed repeats tells
    return place


def run_peer(python, script, threads, text, options, results, name_suffix="", env=None):
    command = [python, os.path.join(HERE, script), "--threads", str(threads), "--filter", text,
               "--repeats", str(options.repeats), "--min-time", str(options.min_time), "--warm", str(options.warm)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(threads, env), preexec_fn=placed(threads))
    if done.returncode:
        print(f"# {script} ended with exit code {done.returncode}", file=sys.stderr)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            record = json.loads(line)
            record["peer"] += name_suffix
            results.add(record)


def split_name(name):
    """A benchmark is called WORKLOAD/METRIC[/VARIANT...][/threads:N]; the library may append real_time and min_time:S."""
    parts = [p for p in name.split("/") if p not in ("real_time", "process_time", "manual_time")]
    threads = [int(p.split(":")[1]) for p in parts if p.startswith("threads:")]
    parts = [p for p in parts if ":" not in p]
    return parts[0], parts[1], "-".join(parts[2:]), threads[0] if threads else None


def run_ours(build, program, threads, text, options, results):
    path = os.path.join(build, "bin", program)
    if not os.path.exists(path):
        return
    command = [path, f"--benchmark_filter=^{text}(/|$)", "--benchmark_format=json",
               f"--benchmark_repetitions={options.repeats}", f"--benchmark_min_time={options.min_time}",
               f"--benchmark_min_warmup_time={options.warm}", "--benchmark_report_aggregates_only=false"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=environment(threads), preexec_fn=placed(threads))
    if done.returncode or not done.stdout.strip():
        return
    samples = {}
    for entry in json.loads(done.stdout).get("benchmarks", []):
        if entry.get("run_type", "iteration") != "iteration" or entry.get("error_occurred"):
            continue
        workload, metric, variant, named = split_name(entry["name"])
        if named in (None, threads):
            seconds = entry["real_time"] * SCALE[entry["time_unit"]]
            samples.setdefault((workload, metric, variant), []).append(seconds)
    for (workload, metric, variant), seconds in samples.items():
        unit = TARGETS.get(f"{workload}/{metric}", ("us",))[0]
        values = [float(f"{s / SCALE[unit]:.6g}") for s in seconds]
        results.add(dict(workload=workload, peer="thimble" + (f"-{variant}" if variant else ""), version=version(),
                         threads=threads, metric=metric, value=statistics.median(values), unit=unit,
                         repeats=len(values), min=min(values), max=max(values), disturbed=0, samples=values))


def version():
    described = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    return described.stdout.strip() or "unknown"


def start_once(command, threads):
    """Wall seconds and peak MiB of one process. A small launcher of its own is needed for the memory: a child of a big
    process counts its parent's size."""
    launcher = ("import os,resource,sys,time\n"
                "t=time.perf_counter();p=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ)\n"
                "_,s,r=os.wait4(p,0);print(time.perf_counter()-t,r.ru_maxrss/1024,s)")
    done = subprocess.run([sys.executable, "-S", "-E", "-c", launcher] + command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, env=environment(threads), preexec_fn=placed(threads))
    wall, memory, status = done.stdout.split()[-3:]
    if status != "0":
        raise RuntimeError(f"{command[0]} ended with status {status}")
    return float(wall), float(memory)


def processes(workload, ours, peer, options, threads, results):
    """Wall time and peak memory of whole processes in turn: median of 11 with a warm page cache."""
    commands = {name: command for name, command in (("thimble", ours), (USUAL, peer)) if command}
    taken = {name: [] for name in commands}
    for repeat in range((3 if options.quick else 11) + 1):
        for name, command in commands.items():
            reading = start_once([shutil.which(command[0])] + command[1:], threads)
            if repeat:  # the first fills the page cache
                taken[name].append(reading)
    for name, readings in taken.items():
        for metric, unit, values in (("wall", "ms", [1e3 * r[0] for r in readings]), ("peak_rss", "MiB", [r[1] for r in readings])):
            values = [float(f"{v:.6g}") for v in values]
            results.add(dict(workload=workload, peer=name, version=version() if name == "thimble" else "-", metric=metric,
                             threads=threads, value=statistics.median(values), unit=unit, repeats=len(values),
                             min=min(values), max=max(values), disturbed=0, samples=values))


def program(options, name):
    path = os.path.join(options.build, "bin", name)
    return path if os.path.exists(path) else None


def startup(options, python, threads, results):
    """W9: from process start to the first training step done."""
    ours = program(options, "bench_startup")
    processes("W9.startup", [ours] if ours else None, python and [python, os.path.join(HERE, "w9.py"), str(threads)],
              options, threads, results)


def big_file(options, python, threads, results):
    """One process reads a file of 373,276 simulated tracks; 42 columns of float32 are 59.8 MiB."""
    ours, simulator = program(options, "bench_read"), program(options, "thimble-neurotrigger")
    if not ours or not simulator:
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([simulator, "simulate", "demo", "data.simulate.train=500000", "data.simulate.val=10",
                        "data.simulate.test=0", "--plain", "--out", folder], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(folder, "random1.csv")
        processes("NT.read_373k", [ours, path], python and [python, os.path.join(HERE, "tracks.py"), "read", path],
                  options, threads, results)


def find_python(wanted):
    for candidate in [wanted] if wanted else [sys.executable, "/usr/bin/python3"]:
        probe = "import torch, numpy; print(torch.__version__)"
        done = subprocess.run([candidate, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if done.returncode == 0:
            return candidate, done.stdout.strip()
    return None, None


def blas_of(python):
    """The file that answers for BLAS in the peer's process; the reference one would make it needlessly slow."""
    probe = ("import torch, numpy; torch.rand(64, 64) @ torch.rand(64, 64)\n"
             "print(next((l.split()[-1] for l in open('/proc/self/maps') if 'blas' in l.rsplit('/', 1)[-1] or 'mkl' in l), 'built in'))")
    done = subprocess.run([python, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return os.path.realpath(done.stdout.strip() or "unknown")


def check_numbers(python, build):
    """Both sides compute one step and 100 steps on the same inputs. True when they agree."""
    program = os.path.join(build, "bin", "bench_check")
    if not os.path.exists(program):
        print(f"{program} is missing: build it, or say --no-check")
        return False
    check, agree = os.path.join(HERE, "check.py"), True
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, check, "write", folder], check=True)
        for batch in ("2048", "16"):
            print(f"same numbers at batch {batch}:")
            subprocess.run([program, folder, batch], check=True, env=environment(1))
            agree &= subprocess.run([python, check, "compare", folder, batch], env=environment(1)).returncode == 0
    return agree


def check_beside(python, build, program, script):
    """Both sides on the numbers that the script writes; it compares them too."""
    name = script[:-3].upper()
    path, script = os.path.join(build, "bin", program), os.path.join(HERE, script)
    if not os.path.exists(path):
        print(f"{path} is missing: build it, or say --no-check")
        return False
    with tempfile.TemporaryDirectory() as folder:
        print(f"same numbers in {name}:")
        subprocess.run([python, script, "--check", "write", folder], check=True)
        subprocess.run([path, "--check", folder], check=True, env=environment(1))
        return subprocess.run([python, script, "--check", "compare", folder], env=environment(1)).returncode == 0


def check_all(python, options):
    """True when everything that is about to be timed computes the same on both sides."""
    def timed(program):
        return any(wanted(options, text) for candidate, _, text in GROUPS if candidate == program)
    agree = not timed("bench_step") or check_numbers(python, options.build)
    for program, script in (("bench_wavelet", "w1.py"), ("bench_pls", "w5.py")):
        agree = agree and (not timed(program) or check_beside(python, options.build, program, script))
    return agree


def wanted(options, text):
    return any(part in text for part in options.filter.split(","))


def claim(ours, peer):
    """The smaller of the ratio of medians and the ratio of minima."""
    return min(statistics.median(peer) / statistics.median(ours), min(peer) / min(ours))


def figure(value):
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def print_table(results, threads):
    print(f"\n{threads} thread{'s' if threads > 1 else ''}: medians (minima); ratio = peer / ours, the smaller of medians and minima")
    heads = ["workload", "unit", "ours", "time", "usual peer", "ratio", "best peer", "time", "ratio", "gate", "aim", ""]
    table = [heads]
    for metric in dict.fromkeys(m for (t, m, _) in results.rows if t == threads):
        peers = results.of(threads, metric, ours=False)
        usual = peers.get(USUAL) or peers.get("torch") or peers.get("scikit-learn")
        if threads > 1:  # the peer's best may use fewer threads
            peers.update({f"{name} (1 thread)": s for name, s in results.of(1, metric, ours=False).items()})
        best = min(peers, key=lambda name: statistics.median(peers[name])) if peers else None
        gate, aim = RATIOS.get(metric, (None, None, None))[0], RATIOS.get(metric, (None,) * 3)[min(threads, 2)]
        for name, ours in sorted(results.of(threads, metric, ours=True).items()) or [("-", None)]:
            def times(samples):
                return f"{figure(statistics.median(samples))} ({figure(min(samples))})" if samples else "-"
            ratio = claim(ours, usual) if ours and usual else None
            verdict = "" if ratio is None or gate is None else "below gate" if ratio < gate else "aim met" if aim and ratio >= aim else "gate met"
            table.append([metric, results.units[metric], name, times(ours), times(usual), figure(ratio), best or "-",
                          times(peers.get(best)), figure(claim(ours, peers[best]) if ours and best else None),
                          figure(gate), figure(aim), verdict])
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--filter", default="", help="only workloads whose 'workload/metric' contains one of these, e.g. W2.train,NT.")
    parser.add_argument("--alternations", type=int, default=5, help="how often ours and the peer take turns")
    parser.add_argument("--repeats", type=int, default=3, help="repeats in each turn")
    parser.add_argument("--min-time", type=float, default=0.06, help="seconds that a repeat lasts at least")
    parser.add_argument("--warm", type=float, default=0.3, help="seconds of warm-up in each turn")
    parser.add_argument("--quick", action="store_true", help="two turns of two repeats: for a first look, no claim")
    parser.add_argument("--python", help="a Python that imports torch (else this one, then /usr/bin/python3)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--out", help="append every result as a JSON line to this file")
    parser.add_argument("--no-check", action="store_true", help="time without comparing the numbers of both sides first")
    options = parser.parse_args()
    if options.quick:
        options.alternations, options.repeats, options.warm = 2, 2, 0.1

    python, torch_version = find_python(options.python)
    if python:
        print(f"peer: PyTorch {torch_version} ({python}), BLAS {blas_of(python)}")
        if "/blas/libblas" in blas_of(python):
            print("warning: the reference BLAS holds the peer back; bench/run-peers --install brings OpenBLAS")
        if not options.no_check and not check_all(python, options):
            print("the two sides do not compute the same: nothing timed")
            return 1
    else:
        print("peer: none; PyTorch is not importable (Debian package python3-torch, or --python EXE)")
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.processor())
    print(f"machine: {model}, {len(os.sched_getaffinity(0))} CPUs, {datetime.date.today()}, thimble {version()}")

    with open(options.out, "a") if options.out else open(os.devnull, "w") as out:
        results = Results(out)
        for threads in [int(t) for t in options.threads.split(",")]:
            openmp = glob.glob("/usr/lib/*/openblas-openmp")
            for program, script, text in GROUPS:
                if not wanted(options, text):
                    continue
                for _ in range(options.alternations):
                    run_ours(options.build, program, threads, text, options, results)
                    if python:
                        run_peer(python, script, threads, text, options, results)
                        if threads > 1 and openmp:
                            run_peer(python, script, threads, text, options, results, " (OpenMP BLAS)",
                                     {"LD_LIBRARY_PATH": openmp[0]})
            for text, run in (("W9.startup/wall", startup), ("NT.read_373k/wall", big_file)):
                if wanted(options, text):
                    run(options, python, threads, results)
            print_table(results, threads)
        print(f"\n{results.disturbed} disturbed repeats of the peer left out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
