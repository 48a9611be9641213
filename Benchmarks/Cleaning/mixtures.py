"""Speech in noise, and speech alone, from the pool of recordings that corpus.py of the neural detector makes.

What comes out depends on the pool, its split and the number of a mixture alone: more mixtures are the same and others.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal

RATE = 16_000
SECONDS = 9
SNRS = (20, 10, 5, 0)
KINDS = ("stationary", "babble", "machine", "wind", "street", "music")
SPEECH_LEVEL = -26.0  # dBFS over what is active, as test speech has it (ITU-T P.56)

# Streams of random numbers that have nothing in common.
MIXTURE, TALK = 1, 2


class Pool:
    """The clips of one split: pool.i16 has the samples, 16 kHz mono, and pool.tsv says what lies where."""

    def __init__(self, corpus: Path, split: str):
        self.samples = np.memmap(corpus / "pool.i16", dtype=np.int16, mode="r")
        with open(corpus / "pool.tsv", newline="") as table:
            self.rows = [row for row in csv.DictReader(table, delimiter="\t") if row["split"] == split]
        talkers = {}
        for row in self.rows:
            # Telephone speech would hide what happens to the upper half of the band.
            if row["kind"] == "speech" and int(row["bandwidth_hz"]) >= 7_500 and int(row["count"]) > 1.2 * RATE:
                talkers.setdefault(row["group"], []).append(row)
        self.talkers = {name: rows for name, rows in sorted(talkers.items())
                        if sum(int(row["count"]) for row in rows) > 40 * RATE}
        if len(self.talkers) < 2:
            raise SystemExit(f"{corpus}: too few talkers in split {split}")

    def of(self, *kinds: str, seconds: float = 0, named: tuple = ("",)) -> list:
        return [row for row in self.rows if row["kind"] in kinds and int(row["count"]) > seconds * RATE
                and any(part in row["group"] for part in named)]

    def clip(self, row) -> np.ndarray:
        start, count = int(row["start"]), int(row["count"])
        clip = self.samples[start:start + count] / 32768.0
        return clip - clip.mean()

    def any(self, rng, rows) -> np.ndarray:
        return self.clip(rows[rng.integers(len(rows))])


@dataclass
class Mixture:
    """Speech and noise of equal power, the speech's over what is active."""
    kind: str
    number: int
    talker: str
    speech: np.ndarray
    noise: np.ndarray
    is_active: np.ndarray  # for each sample, whether an utterance is there

    def at(self, snr) -> np.ndarray:
        """The mixture at so many dB, or without noise, as 16 bits have it: every processor gets the same."""
        mixed = self.speech if snr is None else self.speech + self.noise * 10 ** (-snr / 20)
        return np.clip(np.round(mixed * 32768), -32768, 32767) / 32768


def mixture(pool: Pool, kind: str, number: int) -> Mixture:
    rng = np.random.default_rng([MIXTURE, KINDS.index(kind), number])
    names = list(pool.talkers)
    talker = names[rng.integers(len(names))]
    speech, is_active = talk(rng, pool, talker, SECONDS)
    noise = NOISES[kind](rng, pool, talker, len(speech))
    noise = noise * np.sqrt(np.mean(speech[is_active] ** 2) / np.mean(noise ** 2))
    # At the least SNR the sum must fit into 16 bits.
    peak = np.abs(speech + noise * 10 ** (-min(SNRS) / 20)).max()
    scale = min(1, 0.98 / max(peak, np.abs(speech).max()))
    return Mixture(kind, number, talker, speech * scale, noise * scale, is_active)


def speech_alone(pool: Pool, number: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Speech of one talker at SPEECH_LEVEL, and where utterances are."""
    rng = np.random.default_rng([TALK, number])
    names = list(pool.talkers)
    return talk(rng, pool, names[number % len(names)], seconds)


def talk(rng, pool: Pool, talker: str, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Utterances of up to 5 s and pauses of 0.4 to 1.1 s, between 0.6 to 1 s and at least half a second of nothing."""
    count = int(seconds * RATE)
    speech, is_active = np.zeros(count), np.zeros(count, bool)
    position = int(RATE * rng.uniform(0.6, 1))
    rows = pool.talkers[talker]
    while True:
        for _ in range(20):
            utterance = trimmed(pool.any(rng, rows))[:5 * RATE]
            if position + len(utterance) <= count - RATE // 2:
                break
        else:
            return speech, is_active
        ends = slice(position, position + len(utterance))
        speech[ends] = faded(utterance, 80, 160)
        is_active[ends] = True
        position += len(utterance) + int(RATE * rng.uniform(0.4, 1.1))


def short_power(x: np.ndarray) -> np.ndarray:
    return np.convolve(x * x, np.full(320, 1 / 320), "same")


def trimmed(clip: np.ndarray) -> np.ndarray:
    """Without what is 40 dB below the loudest 20 ms at both ends, at SPEECH_LEVEL where it is within 25 dB of them."""
    power = short_power(clip)
    heard = np.flatnonzero(power > power.max() * 1e-4)
    clip = clip[max(0, heard[0] - 400):heard[-1] + 800]
    power = short_power(clip)
    level = np.sqrt(np.mean(clip[power > power.max() * 10 ** -2.5] ** 2))
    return clip * (10 ** (SPEECH_LEVEL / 20) / level)


def faded(x: np.ndarray, rise: int, fall: int) -> np.ndarray:
    x = x.copy()
    x[:rise] *= np.linspace(0, 1, rise)
    x[len(x) - fall:] *= np.linspace(1, 0, fall)
    return x


def unit(x: np.ndarray) -> np.ndarray:
    return x / (np.sqrt(np.mean(x * x)) + 1e-9)


def lasting(rng, pool: Pool, rows, count: int) -> np.ndarray:
    """Clips of one loudness one after the other, each faded into the next."""
    joined = np.zeros(0)
    while len(joined) < count:
        clip = unit(pool.any(rng, rows))
        if len(clip) > count:
            start = rng.integers(len(clip) - count + 1)
            clip = clip[start:start + count]
        fade = min(len(clip) // 4, 800)
        clip = faded(clip, fade, fade)
        overlap = min(fade, len(joined))
        joined = np.concatenate([joined, np.zeros(len(clip) - overlap)])
        joined[len(joined) - len(clip):] += clip
    return joined[:count]


def stationary(rng, pool, talker, count):
    """Noise of 0 to 7 dB less per octave, in half of all cases with a hum of eight harmonics."""
    spectrum = np.fft.rfft(rng.standard_normal(count + 4096))
    frequencies = np.fft.rfftfreq(count + 4096, 1 / RATE)
    noise = unit(np.fft.irfft(spectrum * np.maximum(frequencies, 40) ** -rng.uniform(0, 1.2))[:count])
    if rng.random() < 0.5:
        phase = 2 * np.pi * rng.uniform(50, 150) * np.arange(count) / RATE
        hum = sum(np.sin(k * phase + rng.uniform(0, 2 * np.pi)) / k for k in range(1, 9))
        noise = noise + rng.uniform(0.2, 0.8) * unit(hum)
    return noise


def babble(rng, pool, talker, count):
    """Five to eight others who talk without a pause."""
    others = [name for name in pool.talkers if name != talker]
    return sum(rng.uniform(0.5, 1) * lasting(rng, pool, pool.talkers[others[rng.integers(len(others))]], count)
               for _ in range(rng.integers(5, 9)))


def machine(rng, pool, talker, count):
    return lasting(rng, pool, pool.of("machine", seconds=1), count)


def wind(rng, pool, talker, count):
    """What wind does to a microphone, rumble whose level jumps twice a second, and recordings of wind from afar."""
    white = rng.standard_normal(count + RATE)
    low = signal.butter(1, rng.uniform(120, 350), "low", fs=RATE)
    rumble = signal.lfilter(*low, signal.lfilter(*signal.butter(1, 30, "high", fs=RATE), white))[RATE:]
    knots = np.arange(0, count + RATE // 2, RATE // 2)
    gusts = np.interp(np.arange(count), knots, rng.uniform(-14, 6, len(knots)))
    noise = unit(rumble * 10 ** (gusts / 20))
    recorded = pool.of("ambience", named=("wind", "storm"))
    return noise + 0.5 * lasting(rng, pool, recorded, count) if recorded else noise


def street(rng, pool, talker, count):
    """Places outdoors and indoors, engines, and six short events: keys, steps, bells, animals."""
    noise = lasting(rng, pool, pool.of("ambience", seconds=2), count)
    noise = noise + 0.7 * lasting(rng, pool, pool.of("machine", seconds=1), count)
    events = pool.of("impact", "alert", "animal", "crowd")
    for _ in range(6):
        event = unit(pool.any(rng, events)[:2 * RATE]) * rng.uniform(0.3, 1)
        start = rng.integers(count)
        event = event[:count - start]
        noise[start:start + len(event)] += event
    return noise


def music(rng, pool, talker, count):
    return lasting(rng, pool, pool.of("music", seconds=5), count)


NOISES = {kind: globals()[kind] for kind in KINDS}
