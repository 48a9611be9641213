"""What is measured of a signal. Levels are in dB, of powers relative to that of a full-scale square wave."""

import numpy as np
from pesq import pesq
from pystoi import stoi
from scipy import signal

from mixtures import RATE


def decibels(power: float) -> float:
    return 10 * np.log10(power + 1e-12)


def pesq_wide_band(speech, y) -> float:
    return pesq(RATE, speech, y, "wb")


def estoi(speech, y) -> float:
    return stoi(speech, y, RATE, extended=True)


def si_sdr(speech, y) -> float:
    """Scale-invariant signal-to-distortion ratio (J. Le Roux et al., "SDR - half-baked or well done?", 2019)."""
    speech, y = speech - speech.mean(), y - y.mean()
    target = np.dot(y, speech) / np.dot(speech, speech) * speech
    return decibels(np.mean(target ** 2) / (np.mean((y - target) ** 2) + 1e-15))


def pauses(is_active: np.ndarray, guard: float = 0.1) -> np.ndarray:
    """The samples at which nobody has spoken for `guard` seconds and nobody will."""
    width = 2 * int(guard * RATE) + 1
    return ~(signal.fftconvolve(is_active.astype(float), np.ones(width), "same") > 0.5)


def power_change(x, y, mask) -> float:
    return decibels(np.mean(y[mask] ** 2)) - decibels(np.mean(x[mask] ** 2))


def speech_level(y, is_active) -> float:
    """The active speech level: the mean power of the utterances' 10 ms frames within 25 dB of their loudest ones."""
    frames = np.where(is_active, y, 0)[:len(y) // 160 * 160].reshape(-1, 160)
    powers = np.mean(frames ** 2, axis=1)
    greatest = np.sort(powers)[-max(1, len(powers) // 100):].mean()
    return decibels(np.mean(powers[powers > greatest * 10 ** -2.5]))


def true_peak(y) -> float:
    """In dBTP, by eightfold interpolation."""
    return 20 * np.log10(np.abs(signal.resample_poly(y, 8, 1)).max() + 1e-12)


def lag(x, y, most: float = 0.1) -> tuple[int, float]:
    """By how many samples `y` is behind `x`, between `-most` and `most` seconds, and how alike they are then, 0 to 1.

    Spectra are flattened halfway, so that low frequencies alone do not decide.
    """
    count = min(len(x), len(y))
    size = 2 ** int(np.ceil(np.log2(2 * count)))
    a, b = np.fft.rfft(x[:count], size), np.fft.rfft(y[:count], size)
    cross = b * np.conj(a)
    sharp = np.fft.irfft(cross / np.sqrt(np.abs(cross) + 1e-12), size)
    reach = int(most * RATE)
    best = int(np.argmax(np.concatenate([sharp[-reach:], sharp[:reach + 1]]))) - reach
    u, v = (x[:count - best], y[best:count]) if best >= 0 else (x[-best:count], y[:count + best])
    return best, float(np.dot(u, v) / np.sqrt(np.dot(u, u) * np.dot(v, v) + 1e-20))
