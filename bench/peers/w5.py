"""W5: partial least squares as a decoder of movement uses it, and R2, through scikit-learn."""
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


def rotations():
    return [PLSRegression(n_components=2).fit(BLOCKS[:, c], Y).x_rotations_ for c in range(CHANNELS)]


def reduced(turns):
    return numpy.concatenate([BLOCKS[:, c] @ turn for c, turn in enumerate(turns)], axis=1)


def decoder():
    u = reduced(rotations())
    return r2_score(Y, LinearRegression().fit(u, Y).predict(u))


U = None
CASES = [("W5.big", "fit_n5000_p1536_q2_k10", "ms", lambda: PLSRegression(n_components=10).fit(X, Y)),
         ("W5.channels", "192fits_n5000_p8_q2_k2", "ms", rotations),
         ("W5.decoder", "fit_rotate_lstsq_r2_n5000", "ms", decoder),
         ("W5.lstsq", "fit_n5000_p384_q2", "ms", lambda: LinearRegression().fit(U, Y)),
         ("W5.r2", "n5000_q2", "ms", lambda: r2_score(Y, Y))]
for workload, metric, unit, call in CASES:
    if not T.want(workload, metric):
        continue
    if workload == "W5.lstsq":
        U = reduced(rotations())
    samples, disturbed = T.measure(call)
    T.report(workload, metric, "scikit-learn", sklearn.__version__, samples, unit, disturbed)
