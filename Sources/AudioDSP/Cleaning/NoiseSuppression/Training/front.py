"""What NoiseSuppressor does before and behind its network, in numpy: windows, bands, the first gains, and what the network
sees. The reference for Swift and C."""

import numba
import numpy as np
import scipy.special

RATE = 16000
LENGTH = 512
HOP = LENGTH // 4
BINS = LENGTH // 2 + 1
LEAST_POWER = 1e-10

# Hz. Above 1 kHz at even ratios, on bins.
CENTERS = np.array(
    [0, 62.5, 125, 187.5, 250, 312.5, 375, 468.75, 562.5, 656.25, 750, 875, 1000]
    + list(np.round(1000 * 8 ** (np.arange(1, 22) / 21) / 31.25) * 31.25))
BANDS = len(CENTERS)
FEATURES = 3 * BANDS + 3
# What the network's outputs, 0 to 1, are multiplied by.
GREATEST_FACTOR = 4


def triangles():
    """The weight of each bin in each band: BANDS rows."""
    hertz = np.arange(BINS) * RATE / LENGTH
    return np.array([np.interp(hertz, CENTERS, np.eye(BANDS)[band]) for band in range(BANDS)])


TRIANGLES = triangles()


def windows():
    rise, fall = np.arange(LENGTH - HOP), np.arange(HOP)
    analysis = np.concatenate([
        np.sqrt(0.5 - 0.5 * np.cos(np.pi * rise / (LENGTH - HOP))), np.sqrt(0.5 + 0.5 * np.cos(np.pi * fall / HOP))])
    synthesis = np.zeros(LENGTH)
    synthesis[-2 * HOP:-HOP] = (0.5 - 0.5 * np.cos(np.pi * fall / HOP)) / analysis[-2 * HOP:-HOP]
    synthesis[-HOP:] = analysis[-HOP:]
    return analysis, synthesis


ANALYSIS, SYNTHESIS = windows()
POWER_SCALE = 4 / ANALYSIS.sum() ** 2


def frames(samples):
    """A window that ends with each whole hop; zeros lie before the stream."""
    padded = np.concatenate([np.zeros(LENGTH - HOP, samples.dtype), samples])
    return np.lib.stride_tricks.sliding_window_view(padded, LENGTH)[::HOP][:len(samples) // HOP]


# exp(E1(v) / 2) for v from 1e-4 to 100, at even ratios.
AMPLITUDES = np.exp(0.5 * scipy.special.exp1(10 ** np.linspace(-4, 2, 4096)))


@numba.njit(cache=True)
def suppress_bins(power, noise, speech, presence, first, amplitudes):
    """The first gains of frames of powers; suppression_constants.h has the sources. `first` is the number of the first
    frame in its stream. Noise, speech and presence are the state and are brought up to date."""
    count, bins = power.shape
    gains = np.zeros((count, bins), np.float32)
    ratio = 10.0 ** 1.5
    for t in range(count):
        for b in range(bins):
            y = power[t, b] + 1e-10
            if first + t == 0:
                noise[b] = y
            odds = (1 + ratio) * np.exp(-min(y / noise[b], 200.0) * ratio / (1 + ratio))
            presence[b] += 0.1 * (1 / (1 + odds) - presence[b])
            absence = odds / (1 + odds)
            if presence[b] > 0.99:
                absence = max(absence, 0.01)
            rate = 0.2 * absence
            if first + t < 8:
                rate = max(rate, 0.4)
            noise[b] += rate * (y - noise[b])
            posterior = min(y / noise[b], 1000.0)
            prior = max(0.92 * speech[b] / noise[b] + 0.08 * max(posterior - 1, 0.0), 10.0 ** -1.8)
            v = prior / (1 + prior) * posterior
            lift = 1.0 if v > 99 else amplitudes[int((np.log10(max(v, 1e-4)) + 4) / 6 * (amplitudes.size - 1))]
            gain = min(prior / (1 + prior) * lift, 1.0)
            speech[b] = gain * gain * y
            gains[t, b] = max(gain, 0.1)
    return gains


def first_gains(power):
    """The first gains of a whole stream."""
    return suppress_bins(power, np.zeros(BINS), np.zeros(BINS), np.full(BINS, 0.5), 0, AMPLITUDES)


@numba.njit(cache=True)
def measured(levels):
    """Heights above the floors, shape, and three measures of the whole frame, of a stream's band levels (log2)."""
    count, bands = levels.shape
    rows = np.zeros((count, 2 * bands + 3), np.float32)
    smoothed = levels[0].copy()
    minimum = np.full(bands, 1e9, np.float32)
    blocks = np.full((9, bands), 1e9, np.float32)
    least = np.full(bands, 1e9, np.float32)
    block, in_block, peak = 0, 0, np.float32(0)
    for t in range(count):
        if in_block == 25:
            in_block = 1
            blocks[block] = minimum
            block = (block + 1) % 9
            for b in range(bands):
                blocks[block, b] = 1e9
                minimum[b] = 1e9
                least[b] = blocks[:, b].min()
        else:
            in_block += 1
        mean = np.float32(levels[t].sum() / bands)
        total, greatest = np.float32(0), np.float32(0)
        for b in range(bands):
            smoothed[b] += np.float32(0.16) * (levels[t, b] - smoothed[b])
            minimum[b] = min(minimum[b], smoothed[b])
            height = levels[t, b] - min(minimum[b], least[b])
            rows[t, b] = height
            rows[t, bands + b] = levels[t, b] - mean
            total += height
            greatest = max(greatest, height)
        peak = mean if t == 0 or mean > peak else peak + np.float32(1 / 640) * (mean - peak)
        rows[t, 2 * bands] = total / bands
        rows[t, 2 * bands + 1] = greatest
        rows[t, 2 * bands + 2] = mean - peak
    return rows


def features(levels, left):
    """What the network sees of a stream: of the levels of its bands, and of what the first gains have left of them, each
    log2 of a power."""
    return np.concatenate([measured(levels), np.maximum(left - levels, -8)], axis=1)
