"""W5: partial least squares as a decoder of movement uses it, and R2, through scikit-learn.

    w5.py --check write DIR      data of a comparison as plain float64 files
    w5.py --check compare DIR    rotations, coefficients, predictions and R2 of bench_pls --check DIR beside scikit-learn's

Tolerances, of the largest number: doubles 1e-5, floats 2e-4. Rotations found by iteration are compared with scikit-learn
at tol = 1e-12: at its default of 1e-6 it ends up to 4e-3 away. Those of W5.big, found without iteration, are compared with
tol = 1e-20: at 1e-12 the tenth component is still 2e-5 away. The fits that stop at 1e-6 themselves are compared with the
same stop. Iterations are compared in doubles alone, since one more or less is a matter of rounding.
"""
import os
import sys

CHECK = sys.argv[2:] if sys.argv[1:2] == ["--check"] else None
if CHECK:
    sys.argv = sys.argv[:1]
import timing as T
import numpy
import sklearn
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

ROWS, CHANNELS, FEATURES, AXES = 5000, 192, 8, 2
generator = numpy.random.default_rng(5)
Y = generator.standard_normal((ROWS, AXES))
X = 0.3 * Y @ generator.standard_normal((AXES, CHANNELS * FEATURES)) + generator.standard_normal((ROWS, CHANNELS * FEATURES))
BLOCKS = X.reshape(ROWS, CHANNELS, FEATURES)


def rotations(tol=1e-6):
    return [PLSRegression(n_components=2, tol=tol).fit(BLOCKS[:, c], Y).x_rotations_ for c in range(CHANNELS)]


def reduced(turns):
    return numpy.concatenate([BLOCKS[:, c] @ turn for c, turn in enumerate(turns)], axis=1)


def decoder():
    u = reduced(rotations())
    return r2_score(Y, LinearRegression().fit(u, Y).predict(u))


def compare(folder):
    turns, faults = rotations(), 0
    u = reduced(turns)
    fit = LinearRegression().fit(u, Y)
    big, iterated = (PLSRegression(n_components=10, tol=tol, max_iter=100000).fit(X, Y).x_rotations_ for tol in (1e-20, 1e-12))
    wanted = {"big": big, "iterated": iterated,
              "channels": numpy.stack(rotations(1e-12)), "usual": numpy.stack(turns), "lstsq": fit.coef_,
              "predicted": fit.predict(u), "r2": numpy.array([r2_score(Y, fit.predict(u), multioutput="variance_weighted")])}
    for dtype, limit in (("f64", 1e-5), ("f32", 2e-4)):
        for name, right in wanted.items():
            if dtype == "f32" and name in ("iterated", "usual", "lstsq"):
                continue
            ours = numpy.fromfile(os.path.join(folder, f"w5_ours_{name}_{dtype}")).reshape(right.shape)
            error = numpy.abs(ours - right).max() / numpy.abs(right).max()
            print(f"  {name} of W5 in {dtype}: difference {error:.2e}, limit {limit:.0e}")
            faults += not error <= limit
    return faults == 0


def time_all():
    u = reduced(rotations()) if T.want("W5.lstsq", "fit_n5000_p384_q2") else None
    for workload, metric, unit, call in (
            ("W5.big", "fit_n5000_p1536_q2_k10", "ms", lambda: PLSRegression(n_components=10).fit(X, Y)),
            ("W5.channels", "192fits_n5000_p8_q2_k2", "ms", rotations),
            ("W5.decoder", "fit_rotate_lstsq_r2_n5000", "ms", decoder),
            ("W5.lstsq", "fit_n5000_p384_q2", "ms", lambda: LinearRegression().fit(u, Y)),
            ("W5.r2", "n5000_q2", "ms", lambda: r2_score(Y, Y))):
        if T.want(workload, metric):
            samples, disturbed = T.measure(call)
            T.report(workload, metric, "scikit-learn", sklearn.__version__, samples, unit, disturbed)


if not CHECK:
    time_all()
elif CHECK[0] == "write":
    X.tofile(os.path.join(CHECK[1], "w5_x.f64"))
    Y.tofile(os.path.join(CHECK[1], "w5_y.f64"))
else:
    sys.exit(0 if compare(CHECK[1]) else 1)
