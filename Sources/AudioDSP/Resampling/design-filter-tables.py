#!/usr/bin/env python3
"""Designs the resampler's filters, writes them as Swift, and reports what they do.

  design-filter-tables.py > FilterTables.swift        design everything, write the Swift file (half a minute)
  design-filter-tables.py --check FilterTables.swift  design again and compare; exit 1 when a number differs
  design-filter-tables.py --report                    what every table and every usual chain of stages does
  design-filter-tables.py --search                    find the lengths in TABLES and MINIMUM again (half an hour)

Frequencies of a filter are in units of fN, the lower of the two Nyquist frequencies of a conversion; R is the rate of a
table's grid in the same unit, so that one table serves every pair with that R: going from 48 to 24 kHz or from 16 to
8 kHz the grid is the input, R = 4. Three kinds of stage:

  A  the sharp filter, few phases, from a table: down by 1/2 (R = 4), 2/3 (6), 3/4 (8), up by 2/1 (4), 3/2 (6), 4/3 (8)
  H  half-bands, for octaves before A on the way down and after A on the way up
  B  a short bank of many phases at twice the lower rate or more, sampled when a resampler is made from a series of
     cosines; all it does is to guard what A lets through, and it serves every ratio that A and H do not reach

There is no random number and no clock: one machine gives the same bytes each time. Another, or another numpy, may round
a tap the other way, so --check lets a number differ by 1e-7 of the largest of its table. Needs numpy and scipy, and a
long double of more than 64 bits (not that of Windows, nor of Apple silicon).

Sources:
  T. W. Parks and J. H. McClellan, "Chebyshev approximation for nonrecursive digital filters with linear phase", 1972:
    the exchange. J.-P. Berrut and L. N. Trefethen, "Barycentric Lagrange interpolation", 2004, and S.-I. Filip, "A
    robust and scalable implementation of the Parks-McClellan algorithm", 2016: the form it is computed in, and
    starting a long filter from a shorter one.
  P. P. Vaidyanathan and T. Q. Nguyen, "A 'trick' for the design of FIR half-band filters", 1987.
  O. Herrmann and H. W. Schuessler, "Design of nonrecursive digital filters with minimum phase", 1970: lifting the
    squared magnitude above zero and keeping the zeros inside the circle. I. J. Good, "The colleague matrix, a
    Chebyshev analogue of the companion matrix", 1961: the zeros.
  L. Babai, "On Lovasz' lattice reduction and the nearest lattice point problem", 1986: the nearest plane, for rounding.
"""
import argparse
import math
import re
import sys
import textwrap

import numpy as np
from scipy.optimize import linprog

# ------------------------------------------------------------------ what is asked for

# A table's own ripple, peak to peak in dB, and that of the bank before or after it: together they stay under 0.01 dB.
RIPPLE, SHORT_RIPPLE = 0.0088, 0.0008

# edge: where the response is 0.1 dB down. start: where the stopband begins; going up 1.047, because tones up to 0.953
# are to be free of images. level: of the stopband, in dB below 1. protect: images of tones up to there count.
# The short bank below 1.6 times the output's rate brings a tone just above fN back twice, so `deep` goes under `down`.
MASKS = {
  "voice-down": dict(edge=0.9157, start=1.000, level=122.3, protect=0.953),
  "voice-up":   dict(edge=0.9157, start=1.047, level=122.5, protect=0.953),
  "voice-deep": dict(edge=0.9157, start=1.000, level=125.5, protect=0.953),
  "sharp-down": dict(edge=0.9315, start=1.000, level=133.8, protect=0.953),
  "sharp-up":   dict(edge=0.9315, start=1.047, level=133.2, protect=0.953),
  "sharp-deep": dict(edge=0.9315, start=1.000, level=137.1, protect=0.953),
  "fast":       dict(edge=0.9057, start=1.095, level=110.5, protect=0.905),
}
# Going up by L a tone leaves L - 1 images, and their powers add; the tables for L of 3 and 4 make up for it.
DEEPER = {4: 0.0, 6: 3.0, 8: 4.8}

# (mask, R): (odd length, end of the equiripple passband): the shortest that keep MASKS, found by --search, but for two.
# It finds 487 for sharp-down at 6, whose edge after folding would be at the limit of 0.931, and 327 for voice-up at 8,
# where 323 still reaches 0.9154.
TABLES = {
  ("voice-down", 4): (245, 0.91010), ("voice-down", 6): (373, 0.90970), ("voice-down", 8): (505, 0.91000),
  ("voice-up", 4): (159, 0.90768), ("voice-up", 6): (241, 0.90710), ("voice-up", 8): (323, 0.90640),
  ("voice-deep", 4): (249, 0.91010),
  ("sharp-down", 4): (321, 0.92690), ("sharp-down", 6): (489, 0.92690), ("sharp-down", 8): (659, 0.92710),
  ("sharp-up", 4): (191, 0.92385), ("sharp-up", 6): (291, 0.92440), ("sharp-up", 8): (393, 0.92410),
  ("sharp-deep", 4): (327, 0.92700),
  ("fast", 6): (165, 0.90310), ("fast", 8): (221, 0.90205),
}
# The same for minimum phase, a sixth fewer; and how much deeper they go for what splitting and rounding cost.
MINIMUM_MARGIN = {"voice": 0.1, "sharp": 0.4, "fast": 0.1}
MINIMUM = {
  ("voice-down", 4): (203, 0.91140), ("voice-down", 6): (311, 0.91105), ("voice-down", 8): (419, 0.91100),
  ("voice-up", 4): (131, 0.90920), ("voice-up", 6): (201, 0.90895), ("voice-up", 8): (273, 0.90960),
  ("voice-deep", 4): (207, 0.91130),
  ("sharp-down", 4): (267, 0.92780), ("sharp-down", 6): (409, 0.92780), ("sharp-down", 8): (553, 0.92795),
  ("sharp-up", 4): (159, 0.92575), ("sharp-up", 6): (243, 0.92545), ("sharp-up", 8): (329, 0.92575),
  ("sharp-deep", 4): (273, 0.92800),
  ("fast", 4): (87, 0.90235), ("fast", 6): (135, 0.90380), ("fast", 8): (181, 0.90215),
}
# The filter of `fast` at R = 4 is a half-band: length, passband in cycles a sample.
FAST_HALF_BAND = (143, 0.905 / 4)

# The higher rate in units of fN: length, 4m - 1. The passband ends at GUARDED, since what a half-band lets fold between
# there and fN is stopped by the sharp filter, and tones up to 0.953 are to be free of images.
GUARDED = 0.97
HALF_BANDS = {6: 51, 8: 31, 12: 23, 16: 19}

# Short kernels: support T in 1/fN, how many terms, passband edge, half width of a stopband, level of the first one.
# Stopband k is PERIOD k - half ... PERIOD k + half, at the level + 20 log10 k: all images together stay 5 dB from the
# first. What lies between the stopbands falls where the table's stopband is.
PERIOD = 4
SHORT = {"voice": (3.50, 17, 0.925, 1.0, 133), "sharp": (3.75, 17, 0.940, 1.0, 146),
         "fast": (3.50, 17, 0.945, 1.095, 122)}

PI = np.longdouble("3.14159265358979323846264338327950288")


def deviation(ripple_db):
    """The ripple +-d around 1 whose extremes are `ripple_db` apart."""
    g = 10 ** (ripple_db / 20)
    return (g - 1) / (g + 1)


def db(v):
    return 20 * np.log10(np.maximum(np.abs(v), 1e-12))


# ------------------------------------------------------------------ minimax, discrete time

class Exchange:
    """The symmetric FIR of odd length with the least weighted error: Parks and McClellan's exchange, barycentric.

    bands: (from, to, desired, weight) in cycles a sample; desired and weight may be functions of frequency. A long
    filter starts from the stretched reference of one half as long, or from that of `like`, an Exchange over like bands.
    """

    def __init__(self, length, bands, density=16, real=np.float64, like=None):
        self.length, self.degree, self.real, self.count = length, (length - 1) // 2, real, len(bands)
        self._make_grid(bands, density)
        if like is None and self.degree > 60:
            like = Exchange(2 * (self.degree // 2) + 1, bands, density, real)
        self._exchange(self._first_reference(bands, like))

    def _make_grid(self, bands, density):
        """Points of every band, closer together at its ends, with what is desired there."""
        r, F, D, W, B = self.degree, [], [], [], []
        for i, (lo, hi, d, w) in enumerate(bands):
            n = max(int(math.ceil(density * 2 * r * (hi - lo))) + 1, 2 * density)
            e = 0.25 / r * (1 - np.cos(np.pi / 2 * np.linspace(0, 1, 3 * density)[1:-1]))
            e = e[e < (hi - lo) / 2]
            f = np.unique(np.concatenate([np.linspace(lo, hi, n), lo + e, hi - e]))
            F.append(f)
            D.append(d(f) if callable(d) else np.full(len(f), float(d)))
            W.append(w(f) if callable(w) else np.full(len(f), float(w)))
            B.append(np.full(len(f), i))
        self.F, D, W, self.B = map(np.concatenate, (F, D, W, B))
        self.X = np.cos(2 * self.real(PI) * self.F.astype(self.real))
        self.D, self.W = D.astype(self.real), W.astype(self.real)

    def _first_reference(self, bands, like):
        n = self.degree + 2
        counts = np.array([np.sum(like.bands == i) if like else hi - lo for i, (lo, hi, _, _) in enumerate(bands)])
        share = counts / counts.sum() * n
        k = np.maximum(np.floor(share).astype(int), 1)
        while k.sum() < n:
            k[np.argmax(share - k)] += 1
        while k.sum() > n:
            k[np.argmin(share - k)] -= 1
        reference = []
        for i, (lo, hi, _, _) in enumerate(bands):
            points = np.where(self.B == i)[0]
            shape = like.frequencies[like.bands == i] if like and counts[i] > 1 else np.array([lo, hi])
            f = np.interp(np.linspace(0, len(shape) - 1, k[i]), np.arange(len(shape)), shape)
            j = np.searchsorted(self.F[points], f).clip(0, len(points) - 1)
            for a in range(1, len(j)):
                j[a] = max(j[a], j[a - 1] + 1)
            for a in range(len(j) - 1, -1, -1):
                j[a] = min(j[a], len(points) - len(j) + a)
            reference.append(points[j])
        return np.concatenate(reference)

    def _exchange(self, reference):
        sign = ((-1.0) ** np.arange(self.degree + 2)).astype(self.real)
        for _ in range(60):
            self._interpolate(reference, sign)
            A = np.concatenate([self._value(self.X[i:i + 2048]) for i in range(0, len(self.X), 2048)])
            E = self.W * (self.D - A)
            E[reference] = sign * self.level
            if np.abs(E).max() <= abs(self.level) * (1 + 1e-6):
                break
            following = self._extremes(E)
            if np.array_equal(following, reference):
                break
            reference = following
        self.frequencies, self.bands, self.error = self.F[reference], self.B[reference], float(abs(self.level))

    def _interpolate(self, reference, sign):
        """The polynomial in cos(w) that errs by the same amount, with alternating signs, at the reference."""
        x = self.X[reference]
        d = x[:, None] - x[None, :]
        np.fill_diagonal(d, 1)
        # Extended precision has the range for the plain product; logarithms would cost three digits.
        g = 1 / np.prod(np.abs(2 * d).astype(np.longdouble), axis=1)
        self.x, self.w = x, (g / g.max()).astype(self.real) * sign
        self.turns = sign / self.W[reference]
        self.y, self.level = self._alternate(self.D[reference])

    def _alternate(self, y):
        """y less an alternating error, such that a polynomial of the degree goes through it; and that error."""
        level = (self.w * y).sum() / (self.w * self.turns).sum()
        return y - self.turns * level, level

    def _value(self, at):
        d = at[:, None] - self.x[None, :]
        hit = d == 0
        d[hit] = 1
        q = self.w / d
        v = (q * self.y).sum(1) / q.sum(1)
        row, column = np.where(hit)
        v[row] = self.y[column]
        return v

    def _extremes(self, E):
        """The next reference: degree + 2 extremes of alternating sign that keep the largest."""
        n, a, s = self.degree + 2, np.abs(E), np.sign(E)
        cut = np.r_[True, (self.B[1:] != self.B[:-1]) | (s[1:] != s[:-1])]
        left = np.where(cut, -1, np.r_[-1, a[:-1]])
        right = np.where(np.r_[cut[1:], True], -1, np.r_[a[1:], -1])
        out = []
        for i in np.where((a >= left) & (a > right))[0]:
            if not out or s[out[-1]] != s[i]:
                out.append(i)
            elif a[i] > a[out[-1]]:
                out[-1] = i
        while len(out) > n:
            v = a[out]
            pair = np.maximum(v[:-1], v[1:])
            j = int(np.argmin(pair))
            if len(out) == n + 1:
                out.pop(0 if v[0] < v[-1] else -1)
            elif max(v[0], v[-1]) < pair[j]:
                out = out[1:-1]
            else:
                del out[j:j + 2]
        if len(out) < n:
            raise RuntimeError(f"the exchange lost its reference at length {self.length}")
        return np.array(out)

    def taps(self):
        """From samples of the interpolant. It is ill conditioned between the bands, so what is missing at the reference
        is interpolated and added again."""
        n, y = np.arange(self.degree + 1), self.y
        turn = ((n[1:, None] * n) % self.length).astype(self.real) / self.length
        at = np.cos(2 * self.real(PI) * n.astype(self.real) / self.length)
        T = np.cos(np.arccos(np.clip(self.x, -1, 1))[:, None] * n.astype(self.real))
        c = np.zeros(self.degree + 1, self.real)
        for _ in range(3):
            # The rounding errors of y alone are no polynomial's, and would grow without bound between the bands.
            self.y, _ = self._alternate(y - T @ c)
            A = self._value(at)
            g = (A[0] + 2 * (A[1:, None] * np.cos(2 * self.real(PI) * turn)).sum(0)) / self.length
            g[1:] *= 2
            c += g
        self.y = y
        h = c / 2
        h[0] = c[0]
        return np.concatenate([h[:0:-1], h])


def low_pass(length, R, edge, start, level, density=16):
    """Taps, and the error as a part of the mask: at most 1 when it is kept."""
    p, s = deviation(RIPPLE), 10 ** (-level / 20)
    e = Exchange(length, [(0, edge / R, 1, 1), (start / R, 0.5, 0, p / s)], density)
    return e.taps(), e.error / p


def half_band(length, edge):
    """Every second tap zero but the middle one; length 4m - 1, minimax up to `edge` (Vaidyanathan and Nguyen)."""
    m = (length + 1) // 4
    band = (0, 2 * edge, lambda f: 0.5 / np.cos(np.pi * f), lambda f: np.cos(np.pi * f))
    one_band = Exchange(2 * m - 1, [band]).taps()
    q = np.zeros(2 * m)
    q[:-1] += one_band / 2
    q[1:] += one_band / 2
    h = np.zeros(length)
    h[0::2] = q
    h[length // 2] = 0.5
    return h


def search_length(mask, R, shortest, design, level=-0.1):
    """The shortest odd length from `shortest` up whose -0.1 dB point reaches the edge: (length, end of the passband).

    design(length, end of the passband) gives taps and the error as a part of the mask.
    """
    m, n = MASKS[mask], shortest | 1
    while True:
        lo, hi = 0.9005, m["edge"] + 0.01
        if design(n, lo)[1] <= 1:
            for _ in range(9):
                middle = (lo + hi) / 2
                lo, hi = (middle, hi) if design(n, middle)[1] <= 1 else (lo, middle)
            if edge_of(design(n, lo)[0], R, level) >= m["edge"]:
                return n, lo
        n += 2


# ------------------------------------------------------------------ minimum phase

def squared_low_pass(length, R, edge, start, level, density=16):
    """The zero-phase filter whose response is the square of a low pass of `length` taps, lifted so that it is nowhere
    below zero: (taps, lift, error as a part of the mask). The squared stopband lies below 1e-12: extended precision.
    """
    s, d = 10 ** (-level / 20), deviation(RIPPLE)
    p = ((1 + d) ** 2 - (1 - d) ** 2) / ((1 + d) ** 2 + (1 - d) ** 2)

    def exchange(length, weight):
        # The reference of a filter half as long whose bands differ by half as many decibels has the same shape.
        like = exchange(2 * (length // 4) + 1, math.sqrt(weight)) if length > 60 else None
        return Exchange(length, [(0, edge / R, 1, 1), (start / R, 0.5, 0, weight)], density, np.longdouble, like)

    e = exchange(2 * length - 1, 2 * p / s ** 2)
    h, lift = e.taps(), e.error * s ** 2 / (2 * p)
    h[length - 1] += lift
    return h, lift, e.error / p


def minimum_phase(length, R, edge, start, level):
    """Taps, and the error as a part of the mask: a lifted square, split into its zeros (Herrmann and Schuessler)."""
    h, lift, error = squared_low_pass(length, R, edge, start, level)
    r = length - 1
    a = np.r_[h[r], 2 * h[r + 1:]]
    # Zeros on the circle are double: the minima of the square in the stopband, by parabolas and two Newton steps.
    w = 2 * PI * np.linspace(start / R, 0.5, 32 * r).astype(np.longdouble)
    k = np.arange(r + 1).astype(np.longdouble)
    A = np.concatenate([np.cos(np.outer(w[i:i + 1024], k)) @ a for i in range(0, len(w), 1024)])
    i = np.where((A[1:-1] < A[:-2]) & (A[1:-1] <= A[2:]) & (A[1:-1] < 0.4 * lift))[0] + 1
    w = w[i] + 0.5 * (A[i - 1] - A[i + 1]) / (A[i - 1] - 2 * A[i] + A[i + 1]) * (w[1] - w[0])
    for _ in range(2):
        w = w - (np.sin(np.outer(w, k)) @ (a * k)) / (np.cos(np.outer(w, k)) @ (a * k * k))
    # The others come from the colleague matrix, and Newton steps; one real zero may lie below -1.
    x = np.polynomial.chebyshev.chebroots(a.astype(float))
    x = x[(x.real > math.cos(2 * math.pi * start / R) + 1e-9) | (x.real < -1 - 1e-5)].astype(np.clongdouble)
    slope = np.polynomial.chebyshev.chebder(a)
    with np.errstate(all="ignore"):  # A zero far away overflows, and stays as it is.
        for _ in range(4):
            step = np.polynomial.chebyshev.chebval(x, a) / np.polynomial.chebyshev.chebval(x, slope)
            x = np.where(np.abs(step) < 1e-3, x - step, x)
    z = x + np.sqrt(x * x - 1)
    z = np.where(np.abs(z) > 1, 1 / z, z)
    w = w.astype(float)
    zeros = np.r_[z.astype(complex), np.exp(1j * w), np.exp(-1j * w), [-1.0] if A[-1] < 0.4 * lift else []]
    if len(zeros) != r:
        raise RuntimeError(f"{len(zeros)} zeros of {r} found at length {length}")
    # The product is formed on the circle, where it is well conditioned.
    n = 1 << int(math.ceil(math.log2(4 * length)))
    e = np.exp(-2j * np.pi * np.arange(n // 2 + 1) / n)
    H = np.exp(sum(np.log(1 - v * e + 1e-300) for v in zeros))
    g = np.fft.irfft(H / H[0].real, n)
    if np.abs(g[length:]).max() > 1e-12:
        raise RuntimeError(f"the zeros of length {length} make a longer filter")
    return g[:length], error


# ------------------------------------------------------------------ minimax, continuous time

# h(t) = sum of c[k] (cos(2 pi k t / T) + cos(2 pi (k + 1) t / T)) for |t| <= T/2, t in 1/fN. Each term is zero at both
# ends with its first derivative, so the spectrum falls at 18 dB an octave where no coefficient reaches.

def kernel_terms(T, count, f):
    k, f = np.arange(count + 1), np.asarray(f, float)
    s = (np.sinc(f[:, None] * T - k) + np.sinc(f[:, None] * T + k)) * (T / 2)
    return s[:, :-1] + s[:, 1:]


def short_kernel(quality):
    """A linear programme: the least of max |H - desired| / tolerance. Returns the cosines."""
    T, count, edge, half, level = SHORT[quality]
    stop = 10 ** (-level / 20)
    bands = [(0, edge, 1, deviation(SHORT_RIPPLE))]
    bands += [(PERIOD * k - half, PERIOD * k + half, 0, stop / k) for k in range(1, 10)]
    bands += [(PERIOD * k + half, PERIOD * k + PERIOD - half, 0, 0.3) for k in range(1, 9)]
    F, D, S = [], [], []
    for lo, hi, desired, tolerance in bands:
        e = (1 - np.cos(np.pi / 2 * np.linspace(0, 1, 8))) / T
        e = e[e < (hi - lo) / 2]
        f = np.unique(np.concatenate([np.linspace(lo, hi, int((hi - lo) * T * 8) + 16), lo + e, hi - e]))
        F.append(f)
        D.append(np.full(len(f), float(desired)))
        S.append(np.full(len(f), float(tolerance)))
    F, D, S = map(np.concatenate, (F, D, S))
    P, b, one = kernel_terms(T, count, F) / S[:, None], D / S, np.ones((len(F), 1))
    r = linprog(np.r_[np.zeros(count), 1], A_ub=np.block([[P, -one], [-P, -one]]), b_ub=np.r_[b, -b],
                bounds=[(None, None)] * count + [(0, None)], method="highs-ds")
    if r.status:
        raise RuntimeError(r.message)
    c = r.x[:count] / kernel_terms(T, count, [0.0])[0].dot(r.x[:count])
    return np.r_[c, 0.0] + np.r_[0.0, c]


def kernel_spectrum(cosines, T, f):
    f, k = np.asarray(f, float), np.arange(len(cosines))
    out = np.empty(len(f))
    for i in range(0, len(f), 4096):
        g = f[i:i + 4096, None] * T
        out[i:i + 4096] = (np.sinc(g - k) + np.sinc(g + k)) @ cosines * (T / 2)
    return out


# ------------------------------------------------------------------ rounding

def round_taps(h, R, start, factor, symmetric):
    """Float32 taps near h whose error stays out of the stopband, once they are multiplied by `factor` in float32.

    The largest tap is rounded first, and what that does to the stopband is made up for by the others, which are finer:
    Babai's nearest plane over the weighted squared error. It gives back most of the 0.5 to 2 dB that plain rounding
    costs beyond 130 dB.
    """
    n = len(h)
    f = np.linspace(0, 0.5, 16 * n + 1)
    # The passband and the gap may err a thousand times more; the sum at 0 Hz may not.
    weight = np.where(f >= start / R, 1.0, 1e-6)
    weight[0] = len(f)
    taps = h[n // 2:] if symmetric else h
    live = np.flatnonzero(taps)
    if symmetric:
        B = np.where(live == 0, 1, 2) * np.cos(2 * np.pi * np.outer(f, live))
        G = (B * weight[:, None]).T @ B
    else:
        c = np.cos(2 * np.pi * np.outer(np.arange(n), f)) @ weight
        G = c[np.abs(np.subtract.outer(live, live))]
    order = live[np.argsort(np.abs(taps[live]), kind="stable")]
    place = np.searchsorted(live, order)
    U = np.linalg.cholesky(G[np.ix_(place, place)]).T
    error, out = np.zeros(len(live)), np.zeros(len(taps))
    for k in range(len(live) - 1, -1, -1):
        wanted = taps[order[k]] - U[k, k + 1:] @ error[k + 1:] / U[k, k]
        near = np.float32(wanted)
        near = np.array([np.nextafter(near, np.float32(-1)), near, np.nextafter(near, np.float32(1))])
        made = multiplied(near, factor)
        best = int(np.abs(made - wanted).argmin())
        error[k], out[order[k]] = made[best] - taps[order[k]], near[best]
    return np.concatenate([out[:0:-1], out]) if symmetric else out


def multiplied(h, factor):
    """What the engine makes of taps for a stage that goes up by `factor`, over `factor`."""
    return (np.float32(factor) * np.asarray(h).astype(np.float32)).astype(float) / factor


# ------------------------------------------------------------------ what a table does

def magnitude(h, f):
    out = np.empty(len(f))
    for i in range(0, len(f), 1024):
        out[i:i + 1024] = np.abs(np.exp(-2j * np.pi * np.outer(f[i:i + 1024], np.arange(len(h)))) @ h)
    return out


def edge_of(h, R, level=-0.1):
    f = np.linspace(0.88, 1.0, 1201)
    g = db(magnitude(h, f / R) / abs(h.sum()))
    i = int(np.argmax(g < level))
    return float(np.interp(-level, -g[i - 1:i + 1], f[i - 1:i + 1]))


def measure(h, R, start):
    """(-0.1 dB edge, ripple up to 0.90 fN, attenuation), on forty points a ripple."""
    p = db(magnitude(h, np.linspace(0, 0.90, int(20 * len(h) / R) + 50) / R))
    s = np.concatenate([np.linspace(start, min(start + 0.2, R / 2), 800), np.linspace(start, R / 2, 20 * len(h))])
    return edge_of(h, R), float(np.ptp(p)), float(-db(magnitude(h, s / R)).max())


def as_used(mask, R, h):
    """measure() of a table as the engine multiplies it."""
    return measure(multiplied(h, factor_of(mask, R)), R, MASKS[mask]["start"])


def group_delay(h, f=0.0):
    n = np.arange(len(h))
    e = h * np.exp(-2j * np.pi * f * n)
    return float(((n * e).sum() / e.sum()).real)


# ------------------------------------------------------------------ all designs

class Designs:
    """tables[mask, R, phase], half_bands[higher rate / fN], short[quality]: what the Swift file holds."""

    def __init__(self):
        self.tables, self.half_bands, self.short = {}, {}, {}
        length, edge = FAST_HALF_BAND
        self.tables["fast", 4, "linear"] = round_taps(half_band(length, edge), 1, 0.5 - edge, 1, True)
        for phase, lengths in (("linear", TABLES), ("minimum", MINIMUM)):
            for (mask, R), (length, edge) in lengths.items():
                start, level = MASKS[mask]["start"], level_of(mask, R, phase)
                h, error = (low_pass if phase == "linear" else minimum_phase)(length, R, edge, start, level)
                if error > 1.004:
                    print(f"warning: {mask} {R} {phase} misses its mask by a factor of {error:.4f}", file=sys.stderr)
                h = round_taps(h / h.sum(), R, start, factor_of(mask, R), phase == "linear")
                self.tables[mask, R, phase] = h
        for n, length in HALF_BANDS.items():
            edge = GUARDED / n
            self.half_bands[n] = round_taps(half_band(length, edge), 1, 0.5 - edge, 1, True)
        for quality in SHORT:
            self.short[quality] = short_kernel(quality)


def level_of(mask, R, phase):
    return MASKS[mask]["level"] + DEEPER[R] + (MINIMUM_MARGIN[mask.partition("-")[0]] if phase == "minimum" else 0)


def factor_of(mask, R):
    """3 for the stages that go up by 3, where the engine's product is rounded; 1 where it is exact."""
    return 3 if mask.endswith("-up") and R == 6 or mask.endswith("-down") and R == 8 or mask == "fast" and R > 4 else 1


# ------------------------------------------------------------------ chains of stages

class Stage:
    """Up by L, filter, down by M. spectrum(f in Hz) is the response at the grid, gain 1."""

    def __init__(self, name, L, M, macs, delay, spectrum):
        self.name, self.L, self.M, self.macs, self.delay, self.spectrum = name, L, M, macs, delay, spectrum


def ratio(rate, out):
    g = math.gcd(rate, out)
    return out // g, rate // g


def table_stage(name, h, rate, out, linear=True):
    L, M = ratio(rate, out)
    grid, size = rate * L, 1 << int(math.ceil(math.log2(32 * len(h))))
    padded = np.zeros(size)
    padded[:len(h)] = multiplied(h, L)
    H = np.fft.fft(np.roll(padded, -(len(h) // 2)))
    H = np.r_[H, H[0]].real if linear else np.abs(np.r_[H, H[0]])
    delay = (len(h) // 2 if linear else group_delay(h, 1000 / grid)) / grid
    return Stage(f"{name} {L}/{M}", L, M, np.count_nonzero(h) / L, delay,
                 lambda f: np.interp((np.asarray(f) / grid) % 1.0 * size, np.arange(size + 1), H))


def short_stage(cosines, T, fN, rate, out, most=1024):
    """Exact phases up to `most`, else `most` phases with straight lines between them."""
    L, M = ratio(rate, out)
    taps = T * rate / fN

    def spectrum(f):
        f = np.atleast_1d(f)
        phases = min(L, most)
        s = sum(kernel_spectrum(cosines, T, (f - k * phases * rate) / fN) for k in (-2, -1, 0, 1, 2))
        return s if phases == L else s * np.sinc(f / (phases * rate)) ** 2

    return Stage(f"short {L}/{M}", L, M, taps * (1 if L <= most else 2), T / 2 / fN, spectrum)


def chain(designs, quality, phase, rate, out):
    """The stages from one rate to another."""
    fN, low, high, down = min(rate, out) / 2, min(rate, out), max(rate, out), out < rate
    linear = phase == "linear"

    def table(r, o, kind):
        mask, R = quality if quality == "fast" else f"{quality}-{kind}", r * ratio(r, o)[0] * 2 // low
        return table_stage(mask, designs.tables[mask, R, phase], r, o, linear)

    # Half-bands bring the higher rate down to 2 or 3/2 of the lower; 4/3 would ask for a wider one than there is.
    octaves = max(0, math.ceil(math.log2(high / low)) - 1)
    base = high // 2 ** octaves
    covered = ((2, 1), (3, 2)) if octaves else ((2, 1), (3, 2), (4, 3))
    if high % 2 ** octaves == 0 and ratio(low, base) in covered:
        rates = [base * 2 ** k for k in range(octaves + 1)]
        halves = [(b, a) if down else (a, b) for a, b in zip(rates, rates[1:])]
        stages = []
        for pair in halves:
            n = max(n for n in HALF_BANDS if n <= round(max(pair) / fN))
            stages.append(table_stage(f"half 1/{n}", designs.half_bands[n], *pair))
        return stages[::-1] + [table(base, low, "down")] if down else [table(low, base, "up")] + stages
    T, cosines = SHORT[quality][0], designs.short[quality]
    if down:
        deep = "deep" if rate < 1.6 * out else "down"
        return [short_stage(cosines, T, fN, rate, 2 * out), table(2 * out, out, deep)]
    return [table(rate, 2 * rate, "up"), short_stage(cosines, T, fN, 2 * rate, out)]


def components(stages, rate, f):
    """All that comes of a complex tone at f: the frequencies, with sign, and the gains."""
    F, G = np.array([float(f)]), np.array([1.0])
    for s in stages:
        up = min(s.L, 320)
        k = np.arange(-(up // 2), up - up // 2)
        g = (F[:, None] + k[None, :] * rate).ravel()
        G = np.repeat(G, len(k)) * s.spectrum(g)
        rate = rate * s.L / s.M
        F = (g + rate / 2) % rate - rate / 2
        keep = np.abs(G) > 1e-9
        F, G = F[keep], G[keep]
    return F, G


def chain_masks(stages, rate, out, start, protect):
    """(edge, ripple, images of tones up to `protect`, alias from `start`); the last two are sums of powers, in dB."""
    fN, gains, images = min(rate, out) / 2, [], []
    x = np.linspace(0.002, 0.97, 360) + 1e-5
    for f in x * fN:
        F, G = components(stages, rate, f)
        own = np.abs(F - f) < 1e-6 * rate
        gains.append(G[own].sum())
        images.append(math.sqrt((G[~own] ** 2).sum()))
    g, images = db(np.array(gains)), np.array(images)
    i = int(np.argmax(g - g[0] < -0.1))
    edge = float(np.interp(0.1, (g[0] - g)[i - 1:i + 1], x[i - 1:i + 1]))
    alias = None
    if rate > out:
        top = rate / out
        f = np.unique(np.r_[np.linspace(start, min(start + 0.2, top), 150), np.linspace(start, top, 350)])
        tones = [v for v in f * fN if v < rate / 2]
        if tones:
            alias = float(db(max(math.sqrt((components(stages, rate, v)[1] ** 2).sum()) for v in tones)))
    return edge, float(np.ptp(g[x <= 0.90])), float(db(images[x <= protect].max())), alias


def macs_per_output(stages):
    total, after = 0.0, 1.0
    for s in reversed(stages):
        total += s.macs * after
        after *= s.M / s.L
    return total


USUAL = [(rate, 24000) for rate in (48000, 44100, 32000, 96000, 192000, 22050, 16000, 11025, 8000, 44101, 47999)]
USUAL += [(24000, rate) for rate in (48000, 44100, 16000, 8000, 192000)]
USUAL += [(48000, 16000), (12000, 48000), (8000, 48000), (192000, 16000), (37800, 24000), (25000, 24000)]


def report(designs):
    print("## Tables\n\n| mask | R | phase | taps | look-ahead | -0.1 dB | ripple to 0.90 | stop from | attenuation |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (mask, R, phase), h in sorted(designs.tables.items(), key=lambda t: (t[0][2], t[0][0], t[0][1])):
        edge, ripple, attenuation = as_used(mask, R, h)
        print(f"| {mask} | {R} | {phase} | {len(h)} | {round(group_delay(h))} | {edge:.4f} | {ripple:.4f} | "
              f"{MASKS[mask]['start']:.3f} | {attenuation:.2f} |")
    print("\n| half-band, passband 0.97/n | taps | not zero | attenuation |\n|---|---|---|---|")
    for n, h in designs.half_bands.items():
        stop = magnitude(h, 0.5 - np.linspace(0, GUARDED / n, 4000))
        print(f"| {n} | {len(h)} | {np.count_nonzero(h)} | {-db(stop).max():.2f} |")
    print("\n| short kernel | support | ripple | worst in the stopbands to 60 fN |\n|---|---|---|---|")
    for quality, cosines in designs.short.items():
        T, _, edge, half, _ = SHORT[quality]
        f = np.arange(PERIOD / 2, 60, 0.002)
        stop = kernel_spectrum(cosines, T, f[np.abs((f + PERIOD / 2) % PERIOD - PERIOD / 2) <= half])
        ripple = np.ptp(db(kernel_spectrum(cosines, T, np.linspace(0, edge, 2000))))
        print(f"| {quality} | {T} | {ripple:.5f} | {db(stop).max():.1f} |")
    print("\n## Chains\n\nImages of tones up to 0.953 fN (fast: 0.905); alias of tones from 1.0 fN (fast: 1.095). The "
          "delay of minimum phase is that at 1 kHz.\n")
    print("| from | to | quality | phase | stages | MAC an output | delay ms | -0.1 dB | ripple | images | alias |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for rate, out in USUAL:
        for phase in sorted({key[2] for key in designs.tables}):
            for quality in SHORT:
                stages = chain(designs, quality, phase, rate, out)
                m = MASKS["fast" if quality == "fast" else quality + "-down"]
                edge, ripple, images, alias = chain_masks(stages, rate, out, m["start"], m["protect"])
                names, delay = "; ".join(s.name for s in stages), sum(s.delay for s in stages) * 1e3
                print(f"| {rate} | {out} | {quality} | {phase} | {names} | {macs_per_output(stages):.1f} | "
                      f"{delay:.3f} | {edge:.4f} | {ripple:.4f} | {images:.1f} | "
                      f"{'-' if alias is None else f'{alias:.1f}'} |", flush=True)


# ------------------------------------------------------------------ Swift

HEADER = '''\
// Generated by design-filter-tables.py, which has the masks and the method. Do not edit by hand.

/// The coefficients of one stage of a resampler, at the rate of its grid (the input's rate times what it goes up by).
package struct FilterTable: Sendable {
  /// One coefficient a grid sample, for the newest first. Their sum is 1 (of a half-band, to within its stopband), so
  /// a stage that goes up by `n` multiplies them by `n`. They are rounded so that the products, as `Float`, keep the
  /// mask.
  package var taps: [Float]
  /// How many grid samples behind the newest in the window an output stands: the centre of a linear-phase filter, and
  /// the group delay at low frequencies of a minimum-phase one.
  package var lookAhead: Int
}

/// The impulse response of a bank of many phases: the sum of `cosines[k] * cos(2 pi k t / support)` for
/// `-support / 2 <= t <= support / 2`, 0 outside, with integral 1.
///
/// `t` is in units of one over the lower Nyquist frequency `fN`: a tap `s` input samples away from the output is the
/// value at `t = s * fN / rate`, times `fN / rate`.
package struct ShortKernel: Sendable {
  package var support: Double
  package var cosines: [Double]
}

/// The filters of ``Resampler``. `R` is a grid's rate in units of the lower Nyquist frequency of a conversion.
///
/// `voice` is 0.1 dB down at 0.915 of the lower Nyquist frequency, with 0.009 dB of ripple, and @VOICE@ dB down from
/// 1.0 going down and from 1.047 going up; `sharp` at 0.931, and @SHARP@ dB; `fast` at 0.912, and @FAST@ dB from 1.095.
package enum FilterTables {
  /// What a table's stage does: `deep` is `down` after a short bank from less than 1.6 times the output's rate, which
  /// brings tones just above the Nyquist frequency back twice.
  package enum Kind: Sendable {
    case down, up, deep
  }

  /// The sharp filter of a conversion. Allocates.
  ///
  /// - Parameter gridRate: `R`: 4 for the ratios 1/2 and 2/1, 6 for 2/3 and 3/2, 8 for 3/4 and 4/3. For `deep`, 4.
  package static func table(
    _ quality: ResamplingQuality, _ phase: ResamplingPhase, gridRate: Int, kind: Kind
  ) -> FilterTable {
    switch phase {
    case .linear: linear(quality, kind, gridRate)
    case .minimum: minimum(quality, kind, gridRate)
    }
  }

  /// The shortest half-band filter that keeps 0 to 0.97 of `edge` clean, in cycles a sample of the higher rate: it
  /// stops what would fold there, or be an image from there, and leaves the rest up to `edge` to the sharp filter.
  /// Every second tap but the middle one is 0. Allocates.
  ///
  /// - Parameter edge: The lower Nyquist frequency of the whole conversion, over the higher rate of this stage; at most
  ///   1/6.
  package static func halfBand(protecting edge: Double) -> FilterTable {
    // What a quotient of rates may be off by.
    let edge = edge - 1e-9
@HALFBANDS@
    preconditionFailure("no half-band filter protects up to \\(edge)")
  }

  /// The kernel of the bank that stands before `down` or `deep`, or after `up`, at twice the lower rate.
  package static func shortKernel(_ quality: ResamplingQuality) -> ShortKernel {
    switch quality {
    case .voice: ShortKernel(support: @T:voice@, cosines: voiceShort)
    case .sharp: ShortKernel(support: @T:sharp@, cosines: sharpShort)
    case .fast: ShortKernel(support: @T:fast@, cosines: fastShort)
    }
  }

  private static func linear(_ quality: ResamplingQuality, _ kind: Kind, _ gridRate: Int) -> FilterTable {
    switch (quality, kind, gridRate) {
@LINEAR@
    default: preconditionFailure("no \\(quality) filter for R = \\(gridRate), \\(kind)")
    }
  }

  private static func minimum(_ quality: ResamplingQuality, _ kind: Kind, _ gridRate: Int) -> FilterTable {
    switch (quality, kind, gridRate) {
@MINIMUM@
    default: preconditionFailure("no \\(quality) filter for R = \\(gridRate), \\(kind)")
    }
  }

  /// A symmetric filter of odd length from its first half, the centre included.
  private static func mirrored(_ half: [Float]) -> FilterTable {
    FilterTable(taps: half + half.dropLast().reversed(), lookAhead: half.count - 1)
  }
'''


HALVED = "; the first half, the centre last."


def number(v, kind):
    """The shortest decimal that reads back as the same number."""
    v = kind(v)
    if v == 0:
        return "0"
    short = np.format_float_scientific(v, unique=True, trim="-", exp_digits=1)
    plain = np.format_float_positional(v, unique=True, trim="0")
    return plain if len(plain) <= len(short) else short


def constant(name, comment, values, kind):
    body = textwrap.fill(", ".join(number(v, kind) for v in values) + ",", 120, initial_indent="    ",
                         subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    element = "Float" if kind is np.float32 else "Double"
    return f"\n  /// {comment}\n  private static let {name}: [{element}] = [\n{body}\n  ]\n"


def swift_name(mask, R, phase):
    stem = re.sub("-(.)", lambda m: m[1].upper(), mask)
    return f"{stem}{R}" + ("Minimum" if phase == "minimum" else "")


def swift(designs):
    cases, constants, worst = {"linear": [], "minimum": []}, [], {}
    for (mask, R, phase), h in sorted(designs.tables.items(), key=lambda t: (t[0][2], t[0][0], t[0][1])):
        name = swift_name(mask, R, phase)
        quality, _, kind = mask.partition("-")
        pattern = f"(.{quality}, {'.' + kind if kind else '_'}, {R})"
        start, (edge, _, attenuation) = MASKS[mask]["start"], as_used(mask, R, h)
        worst[quality] = min(worst.get(quality, 999), attenuation)
        depth = math.floor(attenuation * 10) / 10
        what = f"{len(h)} taps, R = {R}, -0.1 dB at {edge:.4f}, -{depth:.1f} dB from {start:.3f}"
        if phase == "linear":
            cases[phase].append(f"    case {pattern}: mirrored({name})")
            constants.append(constant(name, what + HALVED, h[:len(h) // 2 + 1], np.float32))
        else:
            cases[phase].append(f"    case {pattern}: FilterTable(taps: {name}, lookAhead: {round(group_delay(h))})")
            constants.append(constant(name, what + "; in full.", h, np.float32))
    halves = []
    for n, h in sorted(designs.half_bands.items(), reverse=True):
        halves.append(f"    if edge <= 1.0 / {n} {{ return mirrored(half{n}) }}")
        what = f"{len(h)} taps, a passband of {GUARDED}/{n} cycles a sample" + HALVED
        constants.append(constant(f"half{n}", what, h[:len(h) // 2 + 1], np.float32))
    text = HEADER
    for quality, cosines in designs.short.items():
        text = text.replace(f"@T:{quality}@", f"{SHORT[quality][0]}")
        constants.append(constant(f"{quality}Short", f"Support {SHORT[quality][0]}.", cosines, np.float64))
    text = text.replace("@LINEAR@", "\n".join(cases["linear"])).replace("@MINIMUM@", "\n".join(cases["minimum"]))
    text = text.replace("@HALFBANDS@", "\n".join(halves))
    for quality, attenuation in worst.items():
        text = text.replace(f"@{quality.upper()}@", f"{math.floor(attenuation)}")
    return text + "".join(constants) + "}\n"


def numbers_of(text):
    """Every constant of a Swift file that this script wrote, and the rest of the text without the comments' figures."""
    found = {m[1]: [float(v) for v in m[2].split(",") if v.strip()]
             for m in re.finditer(r"static let (\w+): \[\w+\] = \[([^\]]*)\]", text)}
    return found, re.sub(r"= \[[^\]]*\]|///.*", "", text)


def check(path, designs):
    """What differs between a file and the designs: taps by more than 1e-7 of the largest, or anything else at all."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    made = swift(designs)
    if text == made:
        print("the same bytes")
        return []
    committed, rest = numbers_of(text)
    wanted, expected = numbers_of(made)
    wrong = [] if rest == expected else ["the code around the constants"]
    for name in sorted(committed.keys() | wanted.keys()):
        a, b = (np.array(t.get(name, [])) for t in (committed, wanted))
        if len(a) != len(b):
            wrong.append(f"{name}: {len(a)} numbers, not {len(b)}")
        elif len(a) and not np.abs(a - b).max() <= 1e-7 * np.abs(b).max():
            i = int(np.abs(a - b).argmax())
            wrong.append(f"{name}[{i}]: {float(a[i])}, not {float(b[i])}")
    if not wrong:
        print("the same to within 1e-7 of the largest tap of every table")
    return wrong


# ------------------------------------------------------------------ main

def search():
    """Prints TABLES and MINIMUM; what is in them now is only where it starts, a twentieth below."""
    def squared(n, R, edge, start, level):
        h, _, error = squared_low_pass(n, R, edge, start, level, 8)
        return h.astype(float), error

    for phase, lengths in (("linear", TABLES), ("minimum", MINIMUM)):
        print(f"{phase}:")
        for (mask, R), (length, _) in lengths.items():
            start, level = MASKS[mask]["start"], level_of(mask, R, phase)
            if phase == "linear":
                n, edge = search_length(mask, R, int(0.95 * length), lambda n, e: low_pass(n, R, e, start, level, 8))
            else:
                n, edge = search_length(mask, R, int(0.95 * length), lambda n, e: squared(n, R, e, start, level), -0.2)
            print(f"  ({mask!r}, {R}): ({n}, {edge:.5f}),", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="FILE")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--search", action="store_true")
    arguments = parser.parse_args()
    if np.finfo(np.longdouble).eps > 2e-19:
        sys.exit("the long double of this machine is too short for the minimum-phase designs")
    if arguments.search:
        return search()
    designs = Designs()
    if arguments.check:
        wrong = check(arguments.check, designs)
        for line in wrong:
            print(f"{arguments.check}: {line}", file=sys.stderr)
        return sys.exit(1 if wrong else 0)
    if arguments.report:
        return report(designs)
    sys.stdout.write(swift(designs))


if __name__ == "__main__":
    main()
