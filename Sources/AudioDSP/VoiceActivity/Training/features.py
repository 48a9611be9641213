"""What NeuralDetector measures of every 10 ms frame, in numpy: the reference for the Swift and C code.

  features.py TAPES      measures all tapes of mixes.py, for train.py: NAME.npy beside NAME.wav, 16-bit floats

All of it works on mono samples at 16 kHz, full scale at 1. Frame k is the samples 160 k to 160 k + 159. What is measured
of it comes from a window of 512 samples that ends 80 samples (5 ms) behind it. Samples before the stream are 0.
"""

import glob
import multiprocessing
import os
import sys
import wave

import numba
import numpy as np
import scipy.fft

RATE = 16000
HOP = 160
WINDOW = 512
AHEAD = 80  # samples behind the end of a frame
BANDS = 32
LOWEST, HIGHEST = 80.0, 7600.0  # Hz, the edges of the outermost bands
# Added to every band's power: -100 dBFS. Digital silence is no better than a good microphone in a quiet room.
LEAST_POWER = 1e-10
GREATEST_SAMPLE = 8  # 18 dB above full scale; what is louder is no sound

# The floor of a band is the least of its smoothed level over 8 to 9 blocks of 20 frames: about 1.7 s.
FLOOR_SMOOTHING = 0.2
FLOOR_BLOCK = 20
FLOOR_BLOCKS = 9
# How the loudest recent level falls: 1 / 512 of the way per frame, a time constant of 5 s.
PEAK_FALL = 1.0 / 512.0

# Periodicity: the correlation of the magnitude spectrum with a cosine for each lag of a voice's pitch.
FIRST_BIN, LAST_BIN = 2, 49  # 62 to 1531 Hz
LAGS = 64
SHORTEST_LAG, LONGEST_LAG = 40.0, 229.0  # samples: 400 to 70 Hz

FEATURES = 2 * BANDS + 8


def hann():
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


def band_weights():
    """[BANDS, 257] triangles on the mel scale, overlapping by half, each of unit sum."""
    edges = 700 * (10 ** (np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2) / 2595) - 1)
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0, np.minimum(rising, falling))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def lag_cosines():
    """[LAGS, LAST_BIN - FIRST_BIN + 1]; the lags lie evenly on a logarithmic scale."""
    lags = np.geomspace(SHORTEST_LAG, LONGEST_LAG, LAGS)
    bins = np.arange(FIRST_BIN, LAST_BIN + 1)
    return np.cos(2 * np.pi * lags[:, None] * bins / WINDOW).astype(np.float32)


HANN, BAND_WEIGHTS, LAG_COSINES = hann(), band_weights(), lag_cosines()
# A full-scale sine in the middle of a band has about 0 dB.
POWER_SCALE = np.float32(4 / HANN.sum() ** 2)


@numba.njit(cache=True, fastmath=False)
def _track(levels, out):
    """Floors by minimum statistics (R. Martin, 2001) and the loudest recent level, over the frames in turn."""
    count, bands = levels.shape
    smoothed = levels[0].copy()
    minima = np.full((FLOOR_BLOCKS, bands), np.float32(1e9))
    block = 0
    in_block = 0
    peak = np.float32(0)
    for t in range(count):
        if in_block == FLOOR_BLOCK:
            in_block = 0
            block = (block + 1) % FLOOR_BLOCKS
            minima[block, :] = 1e9
        in_block += 1
        mean = np.float32(0)
        for b in range(bands):
            mean += levels[t, b]
            smoothed[b] += np.float32(FLOOR_SMOOTHING) * (levels[t, b] - smoothed[b])
            minima[block, b] = min(minima[block, b], smoothed[b])
        mean /= np.float32(bands)
        peak = mean if t == 0 or mean > peak else peak + np.float32(PEAK_FALL) * (mean - peak)
        excess = np.float32(0)
        greatest = np.float32(-1e9)
        for b in range(bands):
            floor = minima[0, b]
            for i in range(1, FLOOR_BLOCKS):
                floor = min(floor, minima[i, b])
            above = levels[t, b] - floor
            excess += above
            greatest = max(greatest, above)
            out[t, b] = above
            out[t, bands + b] = levels[t, b] - mean
        out[t, 2 * bands] = excess / np.float32(bands)
        out[t, 2 * bands + 1] = greatest
        out[t, 2 * bands + 2] = mean - peak
        out[t, 2 * bands + 3] = mean


def features(samples):
    """[frames, FEATURES] float32 of a stream of float32 samples, which is taken to be followed by zeros."""
    frames = (len(samples) + HOP - 1) // HOP
    padded = np.zeros(WINDOW - HOP - AHEAD + frames * HOP + AHEAD, np.float32)
    start = WINDOW - HOP - AHEAD
    finite = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    padded[start:start + len(samples)] = np.clip(finite, -GREATEST_SAMPLE, GREATEST_SAMPLE)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:frames]
    levels = np.empty((frames, BANDS), np.float32)
    out = np.zeros((frames, FEATURES), np.float32)
    for a in range(0, frames, 4096):
        spectrum = scipy.fft.rfft(windows[a:a + 4096] * HANN, axis=1)
        power = (spectrum.real ** 2 + spectrum.imag ** 2) * POWER_SCALE
        levels[a:a + 4096] = np.log2(power @ BAND_WEIGHTS.T + np.float32(LEAST_POWER))
        magnitude = np.sqrt(power[:, FIRST_BIN:LAST_BIN + 1])
        correlation = magnitude @ LAG_COSINES.T / (magnitude.sum(1, keepdims=True) + np.float32(1e-5))
        best = correlation.argmax(1)
        n = len(best)
        out[a:a + n, 2 * BANDS + 4] = correlation[np.arange(n), best]
        out[a:a + n, 2 * BANDS + 5] = best / np.float32(LAGS) - np.float32(0.5)
        root = np.sqrt(magnitude)
        correlation = root @ LAG_COSINES.T / (root.sum(1, keepdims=True) + np.float32(1e-3))
        out[a:a + n, 2 * BANDS + 6] = correlation.max(1)
        high = levels[a:a + n, BANDS // 2:].max(1)
        low = levels[a:a + n, :BANDS // 2].max(1)
        out[a:a + n, 2 * BANDS + 7] = high - low
    _track(levels, out)
    return out


def samples(path):
    """Of a mono 16-bit WAV file at 16 kHz."""
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            sys.exit(f'{path}: not mono 16-bit PCM at 16 kHz')
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def measure(path):
    target = path[:-4] + '.npy'
    if not os.path.exists(target):
        np.save(target + '.part.npy', features(samples(path)).astype(np.float16))
        os.rename(target + '.part.npy', target)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    paths = sorted(glob.glob(sys.argv[1] + '/*.wav'))
    if not paths:
        sys.exit(f'{sys.argv[1]}: no tapes')
    with multiprocessing.get_context('fork').Pool() as workers:
        for done, _ in enumerate(workers.imap_unordered(measure, paths), 1):
            if done % 50 == 0:
                print(done, 'tapes measured', flush=True)


if __name__ == '__main__':
    main()
