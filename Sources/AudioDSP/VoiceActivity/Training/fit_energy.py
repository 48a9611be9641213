"""How the weights of EnergyDetector were fitted: a port of the detector, what it learned from, the fit.

  fit_energy.py fit CORPUS TAPES                  prints the weights for ../EnergyDetector.swift, and how well they do
  fit_energy.py check RECORDING.wav SCORES.csv    whether the port, with the weights in that file, gives the scores of
                                                  `utter vad RECORDING.wav --detector energy --scores SCORES.csv`

It learns from the first 24 training tapes of mixes.py in TAPES, and from streams that are made here from the pool of
corpus.py in CORPUS, each of which starts a detector anew: 600 of talk over sounds (N), 400 of meetings whose pauses are
filled as labels by hand fill them (M), 600 of talk over one sound at -5 to 60 dB (X), 400 of sounds without speech (F),
320 of talk in quiet rooms, half of them after digital silence (C), and 160 of noise that changes by steps (S): 17 hours
in all. Two fifths as much, from the validation side, tell how well it does. The fit starts from two seeds, keeps the
better outcome, and then chooses the bias by the training streams without speech.

All seeds are fixed. On the streams that the present weights were fitted to, this fit gives them to the last digit; but
those were made from earlier states of the pool and of mixes.py, so that a new run gives weights that do alike, not the
same.
"""

import csv
import multiprocessing
import os
import re
import sys

import numba
import numpy as np

import mixes
from features import samples
from mixes import HOP, RATE, SPEECH, UNASKED, decibels, runs

F32 = np.float32
SWIFT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../EnergyDetector.swift')
MEASURES = 'height start flux crossings covariance turns balance clearance range syllables fall'.split()
UNITS = 8
# How much each kind of stream counts, however many frames of it there are. T are the tapes.
SHARES = {'N': 1.1, 'M': 0.8, 'X': 1, 'F': 0.9, 'T': 1, 'S': 0.1, 'C': 1.2}
# How many sets of the first four kinds there are, and how many streams of each kind are in a set.
SETS = {'train': 50, 'valid': 20}
SET = {'N': 12, 'M': 8, 'X': 12, 'F': 8}
TAPES = {'train': 24, 'valid': 12}
# Seeds and counts of the other two kinds.
QUIET = {'train': (11, 320), 'valid': (12, 100)}
STEPS = {'train': (1, 160), 'valid': (2, 60)}
# What part of the frames of F may lie in segments; and the segmenter, in nats and frames, at normal sensitivity.
FALSE_ALARMS = 0.265
ENTER, EXIT, SHORTEST, HANGOVER = 0.0, -0.62, 6, 20


# The detector


@numba.njit(cache=True)
def frames(x):
    """FrameAnalyzer at 16 kHz: energy less the mean, in dBFS, and zero-crossing rate of all whole frames."""
    count = len(x) // HOP
    energy, crossings = np.empty(count, np.float32), np.empty(count, np.float32)
    running = 0.0
    before = x[0]
    for f in range(count):
        total = squares = 0.0
        for v in x[f * HOP:(f + 1) * HOP]:
            total += v
            squares += v * v
        mean = total / HOP
        offset = mean if f == 0 else running
        crossed = 0
        for v in x[f * HOP:(f + 1) * HOP]:
            crossed += (v - offset < 0) != (before - offset < 0)
            before = v
        running = mean if f == 0 else running + 0.05 * (mean - running)
        power = squares / HOP - mean * mean
        energy[f] = -120 if power <= 1e-12 else 10 * np.log10(power)
        crossings[f] = crossed / HOP
    return energy, crossings


@numba.njit(cache=True)
def measure(energies, crossing_rates):
    """EnergyDetector.measure: [frames, measures] of a stream; names are those of the Swift code."""
    out = np.zeros((len(energies), 11), np.float32)
    minima = np.full(10, 1e9)
    block = in_block = 0
    others = 1e9
    floor = level = -80.0
    height = 0.0
    flux, rise, fall, covariance, turns, syllables = 2.0, 1.1, 1.1, -0.17, 0.0015, 1.7
    in_syllable = False
    since_fall = 50.0
    fast = medium = slow = previous = greatest = least = max(energies[0], -80.0)
    crossings_fast = crossings_medium = crossings_slow = min(crossing_rates[0], 0.5) ** 0.5
    for f in range(len(energies)):
        energy, crossings = max(energies[f], -80.0), min(crossing_rates[f], 0.5) ** 0.5
        first = 1 / (f + 1)
        rates = max(0.3, first), max(0.1, first), max(0.033, first)
        fast += rates[0] * (energy - fast)
        medium += rates[1] * (energy - medium)
        slow += rates[2] * (energy - slow)
        crossings_fast += rates[0] * (crossings - crossings_fast)
        crossings_medium += rates[1] * (crossings - crossings_medium)
        crossings_slow += rates[2] * (crossings - crossings_slow)

        if in_block == 25:
            in_block = 0
            block = (block + 1) % 10
            minima[block] = 1e9
            others = minima.min()
        in_block += 1
        minima[block] = min(minima[block], medium)
        lowest = min(minima[block], others)
        if f < 20:
            floor = min(lowest, -45.0)
            level = floor + 25
        else:
            floor = lowest if lowest < floor else floor + 0.05 * (lowest - floor)
            level = max(level + (0.05 * (fast - level) if fast > level else -0.01), floor + 8)
        base = max(floor, level - 50)
        now = min(max((energy - base) / (level - base), 0.0), 1.0)
        height += (0.3 if now > height else 0.06) * (now - height)

        slope = fast - medium
        since_fall = 0.0 if slope < -3 else since_fall + 1
        step = min(abs(energy - previous), 15.0)
        previous = energy
        silent = energy <= -80
        flux += 0.01 * ((2.0 if silent else step) - flux)
        rise += 0.01 * ((1.1 if silent else max(slope, 0.0)) - rise)
        fall += 0.01 * ((1.1 if silent else max(-slope, 0.0)) - fall)
        turn = (crossings_fast - crossings_medium) ** 2
        turns += 0.033 * ((0.0015 if silent else turn) - turns)
        together = (energy - slow) * (crossings - crossings_slow)
        covariance += 0.033 * ((-0.17 if silent else together) - covariance)
        syllables += 0.01 * ((1.7 if silent else 0.0) - syllables)

        leak = 0.005 * (greatest - least)
        greatest = max(fast, greatest - leak)
        least = max(min(fast, least + leak), greatest - 40)
        above = fast - 0.5 * (greatest + least)
        if above > 1.5:
            syllables += not in_syllable
            in_syllable = True
        elif above < -1.5:
            in_syllable = False
        out[f] = np.array((
            height, (energy - fast) / 10, flux / 3, crossings_medium * 2, covariance, turns ** 0.5 * 10,
            min(rise, fall), (level - base) / 20, (greatest - least) / 20, syllables / 2, 20 / (20 + since_fall)))
    return out


def evidence(w, x):
    return np.maximum(x @ w['measures'] + w['units'], 0) @ w['signs'] + w['bias']


def committed():
    with open(SWIFT) as file:
        text = file.read()
    numbers = lambda pattern: [float(v) for v in re.search(pattern, text)[1].split(',')]
    return {
        'units': np.array(numbers(r'SIMD8<Float>\(([^)]*)\)')),
        'measures': np.array([numbers(rf'measures\.{name} \* SIMD8\(([^)]*)\)') for name in MEASURES]),
        'signs': np.array(numbers(r'signed = units \* SIMD8\(([^)]*)\)')),
        'bias': numbers(r'bias: Float = ([-.\d]+)')[0],
    }


# What it learns from


def filled(labels, most, rng=None, wide=0):
    """Labels as people set them: pauses of less than `most` frames are speech, and edges lie up to `wide` outside."""
    out = (labels == SPEECH).astype(np.uint8)

    def fill(most):
        for a, b in runs(out == 0):
            if a and b < len(out) and b - a < most:
                out[a:b] = SPEECH

    fill(most)
    if wide:
        for a, b in runs(out == SPEECH):
            out[max(0, a - int(rng.integers(wide))):b + int(rng.integers(wide))] = SPEECH
        fill(20)
    return out


def sounds(rng, count, pool, often=0.4):
    x = np.zeros(count, F32)
    if rng.random() < 0.85:
        x += mixes.lasting(rng, count, pool) * decibels(rng.uniform(-6, 0))
    if rng.random() < often or not x.any():
        x += mixes.events(rng, count, pool) * decibels(rng.uniform(-6, 6))
    return x


def length(rng, least, most):
    return int(rng.uniform(least, most) * 100) * HOP


def stream(rng, kind, pool):
    if kind == 'N':
        count = length(rng, 10, 30)
        x, labels = mixes.talk(rng, count, pool)
        x = x + sounds(rng, count, pool) * decibels(-rng.uniform(0, 25))
    elif kind == 'M':
        count = 30 * RATE
        x, labels = mixes.talk(rng, count, pool)
        if rng.random() < 0.7:
            y, more = mixes.talk(rng, count, pool)
            x = x + y * decibels(rng.uniform(-9, 0))
            labels = np.where((labels == SPEECH) | (more == SPEECH), SPEECH, np.maximum(labels, more))
        if rng.random() < 0.7:
            x = x + mixes.lasting(rng, count, pool) * decibels(-rng.uniform(18, 40))
        if rng.random() < 0.8:
            x = x + mixes.events(rng, count, pool) * decibels(-rng.uniform(0, 20))
        labels = filled(labels, int(rng.uniform(30, 60)), rng, 15)
    elif kind == 'X':
        count = length(rng, 8, 20)
        x, labels = mixes.talk(rng, count, pool)
        ratio = rng.choice([-5, 0, 5, 10, 15, 20, 60])
        y = mixes.lasting(rng, count, pool) if rng.random() < 0.7 else mixes.events(rng, count, pool)
        x = x + y * decibels(-ratio)
    else:
        count = length(rng, 10, 30)
        labels = np.zeros(count // HOP, np.uint8)
        x = sounds(rng, count, pool, 0.65)
        x /= mixes.rms(x) + 1e-6
    x = x + mixes.colored(rng, count, rng.uniform(-0.8, 0)) * decibels(rng.uniform(-60, -30))
    return mixes.line(rng, x, labels)


def quiet(rng, pool):
    count = length(rng, 4, 12)
    x, labels = mixes.talk(rng, count, pool)
    if rng.random() < 0.7:
        labels = filled(labels, 35)
    x = x + mixes.colored(rng, count, rng.uniform(-0.9, 0)) * decibels(-rng.uniform(25, 65))
    x, labels = mixes.line(rng, x, labels)
    if rng.random() < 0.5:
        before = int(rng.uniform(10, 250))
        if rng.random() < 0.3:
            x = x * np.repeat(np.convolve(labels > 0, np.ones(9), 'same') > 0, HOP)
        behind = int(rng.uniform(0, 150))
        x, labels = np.pad(x, (before * HOP, behind * HOP)), np.pad(labels, (before, behind))
    return x, labels


def steps(rng):
    parts = []
    for _ in range(rng.integers(1, 4)):
        count = length(rng, 4, 10)
        if rng.random() < 0.15:
            parts.append(np.zeros(count, F32))
            continue
        x = mixes.made(rng, 'hum', count, None) if rng.random() < 0.25 else mixes.colored(rng, count)
        if rng.random() < 0.4:
            x = mixes.convolved(x, mixes.random_filter(rng, 12))
        x = x / (mixes.rms(x) + 1e-9) * decibels(rng.uniform(-75, -15))
        if rng.random() < 0.25:
            for _ in range(rng.integers(1, 8)):
                at = int(rng.integers(count - 400))
                click = rng.uniform(0.01, 0.5) * np.exp(-np.arange(HOP) / rng.uniform(5, 40))
                x[at:at + HOP] += click * rng.choice([-1, 1], HOP)
        parts.append(np.asarray(x, F32))
    x = np.concatenate(parts)
    return x, np.zeros(len(x) // HOP, np.uint8)


POOL = None


def made(task):
    """(kind, measures, labels) of the streams of a task."""
    kind, split, what = task
    if kind == 'T':
        streams = [(kind, samples(what + '.wav'), np.fromfile(what + '.u8', np.uint8))]
    elif kind == 'set':
        rng = np.random.default_rng([77, {'train': 0, 'valid': 1}[split], what])
        streams = ((k, *stream(rng, k, POOL)) for k, count in SET.items() for _ in range(count))
    else:
        seed, count = what
        rng = np.random.default_rng(seed)
        streams = ((kind, *(quiet(rng, POOL) if kind == 'C' else steps(rng))) for _ in range(count))
    out = []
    for k, x, labels in streams:
        if kind != 'T':
            x = np.clip(np.round(x * 32768), -32768, 32767).astype(F32) / 32768
        out.append((k, measure(*frames(x[:len(labels) * HOP])), labels))
    return out


class Streams:
    def __init__(self, streams):
        self.kinds = [kind for kind, _, _ in streams]
        self.measures = np.concatenate([x for _, x, _ in streams])
        self.labels = np.concatenate([labels for _, _, labels in streams])
        ends = np.cumsum([len(labels) for _, _, labels in streams])
        self.bounds = list(zip([0, *ends[:-1]], ends))

    def of(self, kind):
        return [bounds for k, bounds in zip(self.kinds, self.bounds) if k == kind]

    def weights(self):
        w = np.zeros(len(self.labels), F32)
        for kind, share in SHARES.items():
            part = self.of(kind)
            for a, b in part:
                w[a:b] = share / sum(b - a for a, b in part)
                if kind in 'NXC':
                    w[a:min(a + 300, b)] *= 2  # A stream's start is what a user sees first.
        w[self.labels == UNASKED] = 0
        return w / w.sum() * len(w)


def load(corpus, tapes, split):
    global POOL
    POOL = mixes.Pool(corpus, split)
    tasks = [('set', split, n) for n in range(SETS[split])]
    tasks += [('T', split, os.path.join(tapes, f'{split}-{n:04d}')) for n in range(TAPES[split])]
    tasks += [('S', split, STEPS[split]), ('C', split, QUIET[split])]
    streams = []
    with multiprocessing.get_context('fork').Pool() as workers:
        for done, part in enumerate(workers.imap(made, tasks), 1):
            streams += part
            if done % 10 == 0 or done == len(tasks):
                print(f'{split}: {done} of {len(tasks)} parts', flush=True)
    return Streams(streams)


# The fit


def fitted(x, y, w, seed, epochs=26, batch=8192, most=8e-3, decay=3e-5):
    """The measures' weights, the units' offsets and weights, and the bias: Adam on the weighted cross entropy."""
    rng = np.random.default_rng(seed)
    count, inputs = x.shape
    p = [rng.normal(0, 1 / np.sqrt(inputs), (inputs, UNITS)).astype(F32), rng.normal(0, 0.3, UNITS).astype(F32),
         rng.normal(0, 0.5, UNITS).astype(F32), np.zeros(1, F32)]
    first, second = [np.zeros_like(v) for v in p], [np.zeros_like(v) for v in p]
    number, total = 0, epochs * (count // batch)
    for _ in range(epochs):
        order = rng.permutation(count)
        for j in range(0, count - batch + 1, batch):
            i = order[j:j + batch]
            units = x[i] @ p[0] + p[1]
            active = np.maximum(units, 0)
            change = (1 / (1 + np.exp(-(active @ p[2] + p[3]))) - y[i]) * w[i] / batch
            units_change = np.outer(change, p[2]) * (units > 0)
            gradients = [x[i].T @ units_change + decay * p[0], units_change.sum(0), active.T @ change + decay * p[2],
                         change.sum(keepdims=True)]
            number += 1
            rate = most * min(1, number / 200) * (1 - number / total) + 1e-5
            for k, g in enumerate(gradients):
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                p[k] -= rate * (first[k] / (1 - 0.9 ** number)) / (np.sqrt(second[k] / (1 - 0.999 ** number)) + 1e-8)
    return p


@numba.njit(cache=True)
def segmented(evidence):
    """Which frames of a stream lie in segments: entered after SHORTEST frames, left after HANGOVER."""
    out = np.zeros(len(evidence), np.bool_)
    inside = False
    begin = last = -1
    for i in range(len(evidence)):
        if inside:
            out[i] = True
            if evidence[i] >= EXIT:
                last = i
            elif i - last >= HANGOVER:
                inside = False
                out[last + 1:i + 1] = False
                begin = -1
        elif begin < 0:
            begin = i if evidence[i] >= ENTER else -1
        elif evidence[i] < EXIT:
            begin = -1
        if not inside and begin >= 0 and i + 1 - begin >= SHORTEST:
            inside = True
            out[begin:i + 1] = True
            last = i
    return out


def rates(values, streams, kind):
    """The parts of no speech that lies in segments, and of speech that does not."""
    bounds = streams.of(kind)
    inside = np.concatenate([segmented(values[a:b]) for a, b in bounds])
    labels = np.concatenate([streams.labels[a:b] for a, b in bounds])
    speech = labels == SPEECH
    return inside[labels == 0].mean(), 1 - inside[speech].mean() if speech.any() else 0


def network(train):
    w, y = train.weights(), (train.labels == SPEECH).astype(F32)
    mean, scale = train.measures.mean(0), train.measures.std(0)
    x = (train.measures - mean) / scale
    best = None
    for seed in (1, 4):
        picked = np.random.default_rng(seed).permutation(np.flatnonzero(w > 0))[:1_500_000]
        p = fitted(x[picked], y[picked], w[picked], seed)
        values = np.maximum(x @ p[0] + p[1], 0) @ p[2] + p[3]
        found = float((w * (np.logaddexp(0, values) - y * values)).mean())
        print(f'seed {seed}: loss {found:.4f}', flush=True)
        if best is None or found < best[0]:
            best = found, p, values
    _, p, values = best
    low, high = -4.0, 4.0
    for _ in range(12):
        middle = (low + high) / 2
        if rates(values + middle, train, 'F')[0] > FALSE_ALARMS:
            high = middle
        else:
            low = middle
    # The standard scale, and each unit's weight but for its sign, become part of the units; those for speech come first.
    size, order = np.abs(p[2]), np.argsort(-np.sign(p[2]), kind='stable')
    return {
        'measures': np.round((p[0] / scale[:, None] * size)[:, order], 3),
        'units': np.round(((p[1] - (mean / scale) @ p[0]) * size)[order], 3),
        'signs': np.sign(p[2])[order],
        'bias': np.round(p[3][0] + low, 2),
    }


def fit(corpus, tapes):
    train, valid = load(corpus, tapes, 'train'), load(corpus, tapes, 'valid')
    w = network(train)
    for name, streams in [('train', train), ('valid', valid)]:
        values = evidence(w, streams.measures)
        found = {kind: rates(values, streams, kind) for kind in SHARES}
        print(name, ', '.join(f'{kind} FA {alarms:.3f} Miss {misses:.3f}' for kind, (alarms, misses) in found.items()),
              flush=True)
    row = lambda values: ', '.join(f'{v:.3f}'.rstrip('0').rstrip('.') for v in values.astype(float) + 0.0)
    print(f'    var units = SIMD8<Float>({row(w["units"])})')
    for name, values in zip(MEASURES, w['measures']):
        print(f'    units += measures.{name} * SIMD8({row(values)})')
    print(f'    let signed = units * SIMD8({row(w["signs"])})')
    print(f'    let bias: Float = {w["bias"]:g}')


def check(path, scores_path):
    found = 1 / (1 + np.exp(-evidence(committed(), measure(*frames(samples(path))))))
    with open(scores_path) as file:
        kept = np.array([float(row['score']) for row in csv.DictReader(file)])
    # The port has no last, shorter frame.
    if not len(found) <= len(kept) <= len(found) + 1:
        sys.exit(f'{scores_path}: {len(kept)} frames, where the port has {len(found)}')
    difference = np.max(np.abs(found - kept[:len(found)]))
    if not difference <= 0.005:
        sys.exit(f'{scores_path}: scores differ by {difference:.3g}')
    print(f'{scores_path}: agrees, to {difference:.2g}')


def main():
    command = {'fit': fit, 'check': check}.get(sys.argv[1] if len(sys.argv) == 4 else '')
    if not command:
        sys.exit(__doc__)
    command(*sys.argv[2:])


if __name__ == '__main__':
    main()
