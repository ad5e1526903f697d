"""Plain code to compare with: loops and textbook densities, no code of the package's solvers."""

import numpy as np
from scipy import stats

from mixepi.bkmr.model.model import Model, Priors


def kernel(z, r):
    n = len(z)
    out = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            out[i, j] = np.exp(-sum(r[m] * (z[i, m] - z[j, m]) ** 2 for m in range(len(r))))
    return out


def log_t(y, v, a, rate):
    """y ~ N(0, sigma2 V), 1/sigma2 ~ Gamma(a, rate), sigma2 integrated out."""
    return stats.multivariate_t.logpdf(y, shape=v * rate / a, df=2 * a)


def orthant(model, r, lambda_, upper):
    """P(s_i y*_i > -upper_i for every i), no covariates: of the probit's outcome where `upper` is zero."""
    signs = 2 * model.y - 1
    v = np.eye(model.n) + lambda_ * kernel(model.z, r)
    return stats.multivariate_normal.cdf(upper, cov=signs[:, None] * v * signs, abseps=1e-5, rng=0)


def conditional(y, X, v, cross, prior):
    """(b, h_new) given y ~ N(X b + h, v), b flat: mean, covariance, (y - X bhat)' v^-1 (y - X bhat).

    `cross` is the covariance of h_new and y, `prior` that of h_new, all in units of sigma2.
    """
    inverse = np.linalg.inv(v)
    beta_covariance = np.linalg.inv(X.T @ inverse @ X)
    beta = beta_covariance @ X.T @ inverse @ y
    residual = y - X @ beta
    gain = cross @ inverse
    tilt = gain @ X
    h_covariance = prior - gain @ cross.T + tilt @ beta_covariance @ tilt.T
    between = -beta_covariance @ tilt.T
    covariance = np.block([[beta_covariance, between], [between.T, h_covariance]])
    return np.concatenate([beta, gain @ residual]), covariance, residual @ inverse @ residual


def model(seed=0, n=25, m=2, signal=1.0, intercept=True, family="gaussian", **options):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, m))
    X = np.ones((n, 1)) if intercept else np.empty((n, 0))
    y = signal * np.sin(1.5 * z[:, 0]) + 0.7 * rng.normal(size=n)
    if family == "binomial":
        y = (y > 0).astype(float)
    groups = options.pop("groups", tuple((j,) for j in range(m)))
    select = options.pop("select", True)
    priors = options.pop("priors", Priors())
    return Model(
        family=family,
        y=y,
        X=X,
        z=z,
        groups=groups,
        select=select,
        priors=priors,
        intercept=intercept,
        **options,
    )


def posterior_by_quadrature(model, points=24, prior=None):
    """Exact P(delta | y) and E(log lambda | y) for two exposures, by a grid over prior quantiles.

    `prior`: probability of each delta; by default 1/3, 1/6, 1/6, 1/3 (every size equally probable).
    """
    prior = prior or {(0, 0): 1 / 3, (1, 0): 1 / 6, (0, 1): 1 / 6, (1, 1): 1 / 3}
    v = (np.arange(points) + 0.5) / points
    r_grid = model.priors.r.quantile(v)
    # Half of the gamma's mass lies in a narrow range of log lambda: more points there.
    lambdas = model.priors.lambda_.quantile((np.arange(80) + 0.5) / 80)
    n = model.n
    root = np.ones(n) if model.weights is None else np.sqrt(model.weights)
    basis = np.linalg.svd(root[:, None] * model.X)[0][:, model.X.shape[1] :] if model.X.size else np.eye(n)
    y = basis.T @ (root * model.y)
    basis = root[:, None] * basis
    squares = [(model.z[:, None, m] - model.z[None, :, m]) ** 2 for m in range(2)]
    a, rate = model.priors.sigma2.shape, model.priors.sigma2.rate
    degrees = np.sum(root**2) - model.X.shape[1]
    log_mass, log_lambda = {}, {}
    for delta in prior:
        values = []
        first = r_grid if delta[0] else [0.0]
        second = r_grid if delta[1] else [0.0]
        for r0 in first:
            for r1 in second:
                k = basis.T @ np.exp(-r0 * squares[0] - r1 * squares[1]) @ basis
                s, vectors = np.linalg.eigh(k)
                c = (vectors.T @ y) ** 2
                scale = 1 + lambdas[:, None] * np.maximum(s, 0)
                value = -0.5 * np.log(scale).sum(axis=1)
                quadratic = (c / scale).sum(axis=1)
                value -= (a + 0.5 * degrees) * np.log(rate + 0.5 * quadratic)
                values.append(value)
        values = np.array(values)
        top = values.max()
        weight = np.exp(values - top)
        log_mass[delta] = top + np.log(weight.mean()) + np.log(prior[delta])
        log_lambda[delta] = float((weight * np.log(lambdas)).sum() / weight.sum())
    top = max(log_mass.values())
    mass = {d: np.exp(x - top) for d, x in log_mass.items()}
    total = sum(mass.values())
    probability = {d: x / total for d, x in mass.items()}
    return probability, sum(probability[d] * log_lambda[d] for d in probability)
