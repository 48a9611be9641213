"""Tapes to train and validate NeuralDetector with: speech in rooms, noise, music and telephones, with labels.

  mixes.py CORPUS OUT --split train --tapes 500 [--first 0] [--jobs 2]

A tape is ten minutes at 16 kHz, spliced from scenes of 3 to 30 s that have nothing in common: talkers, room,
microphone, level and noise change at every splice, as they do on a stream that is never reset. OUT/train-0000.wav holds
the samples, OUT/train-0000.u8 a byte per 10 ms frame: 0 no speech, 1 speech, 2 neither is asked (the seams of speech
and the tails of rooms). A tape depends on the corpus, its split and its number only.
"""

import argparse
import csv
import multiprocessing
import os
import wave

import numpy as np
import scipy.fft
import scipy.signal as signal

RATE = 16000
HOP = 160
TAPE_SECONDS = 600
NO_SPEECH, SPEECH, UNASKED = 0, 1, 2

# Sounds that go on, and sounds that happen, with how often each kind is taken.
LASTING = {'music': 4, 'ambience': 3, 'machine': 3, 'crowd': 1.5, 'noise': 5, 'babble': 3, 'hum': 1, 'band': 1.5, 'gusts': 1.5}
EVENTS = {'impact': 3, 'alert': 2, 'animal': 2.5, 'vocal': 4.5, 'instrument': 3, 'other': 2, 'clicks': 1.5, 'tones': 2}
MADE = {'noise', 'babble', 'hum', 'band', 'gusts', 'clicks', 'tones'}


def decibels(x):
    return 10 ** (x / 20)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)) + 1e-20))


class Pool:
    """The clips of one split, drawn by group, so that a talker with many clips is not heard more than another."""

    def __init__(self, folder, split):
        self.samples = np.fromfile(os.path.join(folder, 'pool.i16'), np.int16)
        self.kinds = {}
        with open(os.path.join(folder, 'pool.tsv')) as table:
            for row in csv.DictReader(table, delimiter='\t'):
                if row['split'] != split:
                    continue
                clip = (int(row['start']), int(row['count']))
                self.kinds.setdefault(row['kind'], {}).setdefault(row['group'], []).append(clip)
        self.weights = {}
        for kind, groups in self.kinds.items():
            sizes = np.array([sum(c for _, c in clips) for clips in groups.values()], float)
            # Between one vote a group and one vote a second.
            weights = np.minimum(sizes, 1800 * RATE) ** 0.75
            if kind in ('speech', 'tts'):
                # Most speech is fluent; letters and single words are not all there is to learn.
                lengths = np.array([np.mean([c for _, c in clips]) for clips in groups.values()])
                weights *= np.minimum(1, lengths / (2.5 * RATE))
            self.weights[kind] = (list(groups.values()), weights / weights.sum())

    def has(self, kind):
        return kind in self.weights

    def group(self, rng, kind):
        groups, weights = self.weights[kind]
        return groups[rng.choice(len(groups), p=weights)]

    def talker(self, rng):
        return self.group(rng, 'tts' if rng.random() < 0.2 and self.has('tts') else 'speech')

    def clip(self, rng, group, longest=None):
        start, count = group[rng.integers(len(group))]
        if longest and count > longest:
            start += int(rng.integers(count - longest))
            count = longest
        return self.samples[start:start + count].astype(np.float32) / 32768


# Labels


def runs(mask):
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(np.int8), 0]))
    return edges.reshape(-1, 2)


def label(clip):
    """What of a clean clip is speech, by its energy: a byte per frame."""
    frames = (len(clip) + HOP - 1) // HOP
    if frames < 3:
        return np.zeros(frames, np.uint8)
    sharp = np.append(clip[0], clip[1:] - 0.9 * clip[:-1])
    padded = np.zeros((frames + 2) * HOP, np.float32)
    padded[HOP:HOP + len(clip)] = 0.5 * clip + sharp
    energy = np.add.reduceat(np.square(padded, dtype=np.float64), np.arange(0, len(padded), HOP))
    energy = 10 * np.log10((0.5 * energy[:-2] + energy[1:-1] + 0.5 * energy[2:]) / (2 * HOP) + 1e-12)
    loud, quiet = np.percentile(energy, 95), np.percentile(energy, 5)
    threshold = max(loud - 36, min(quiet + 9, loud - 22))
    active = energy > threshold
    for a, b in runs(active):
        # A click is not speech.
        if b - a < 4:
            active[a:b] = False
    out = active.astype(np.uint8)
    for a, b in runs(~active):
        if a == 0 or b == frames:
            continue
        if b - a <= 25:
            out[a:b] = SPEECH
        elif b - a <= 40:
            out[a:b] = UNASKED
    for a, b in runs(out == NO_SPEECH):
        # Where speech starts and ends is not known better than this.
        out[a:min(a + 2, b)] = UNASKED if a else out[a:min(a + 2, b)]
        if b < frames:
            out[max(a, b - 1):b] = UNASKED
    return out


# Rooms, microphones, lines


def random_filter(rng, depth):
    """A smooth magnitude response as a minimum-phase-like short filter: a microphone's, a wall's or a throat's."""
    points = np.sort(np.exp(rng.uniform(np.log(60), np.log(8000), 5)))
    gains = rng.uniform(-depth, depth, 5)
    tilt = rng.normal(0, depth / 4)
    frequencies = np.linspace(0, 8000, 129)
    gain = np.interp(np.log(frequencies + 30), np.log(points), gains) + tilt * np.log2((frequencies + 100) / 1000)
    magnitude = np.maximum(decibels(gain), 1e-3)
    cepstrum = np.fft.irfft(np.log(magnitude))
    cepstrum[1:128] *= 2
    cepstrum[129:] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:160]


def room(rng):
    """The response of a room from 0 on, the direct sound first: reflections, then a tail that loses its treble."""
    decay = np.exp(rng.uniform(np.log(0.12), np.log(1.1)))
    count = int(min(decay, 1.0) * RATE)
    time = np.arange(count) / RATE
    response = np.zeros(count)
    tail = rng.standard_normal(count) * 10 ** (-3 * time / decay)
    treble = rng.standard_normal(count) * 10 ** (-3 * time / (decay * rng.uniform(0.3, 0.8)))
    low = signal.lfilter([1], [1, -rng.uniform(0.4, 0.85)], tail)
    tail = low / (rms(low) + 1e-9) + rng.uniform(0.3, 1) * treble / (rms(treble) + 1e-9)
    tail[:int(rng.uniform(0.002, 0.02) * RATE)] *= 0.1
    for _ in range(rng.integers(4, 14)):
        at = rng.uniform(0.001, 0.04)
        response[min(int(at * RATE), count - 1)] += rng.choice([-1, 1]) * rng.uniform(0.1, 0.7) * np.exp(-at / 0.03)
    response += tail / np.sqrt(np.sum(tail ** 2)) * np.sqrt(np.sum(response ** 2) + 0.05) * rng.uniform(0.4, 1.6)
    # The direct sound over all that is reflected.
    ratio = rng.uniform(-8, 14)
    response *= 1 / (np.sqrt(np.sum(response ** 2)) + 1e-9) * decibels(-ratio)
    response[0] = 1
    return response


def convolved(x, response):
    return signal.oaconvolve(x, response.astype(np.float32))[:len(x)].astype(np.float32)


def respeeded(rng, clip):
    """Another talker: faster and higher, or slower and lower."""
    factor = int(rng.choice([16, 17, 18, 19, 21, 22, 23, 24, 26]))
    return signal.resample_poly(clip, 20, factor).astype(np.float32)


# Sounds that need no recording


def colored(rng, count, slope=None):
    length = scipy.fft.next_fast_len(count, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(length, np.float32))
    frequency = np.maximum(scipy.fft.rfftfreq(length, 1 / RATE), 20).astype(np.float32)
    slope = rng.uniform(-1.3, 0.3) if slope is None else slope
    x = scipy.fft.irfft(spectrum * frequency ** np.float32(slope), length)[:count]
    return x / (rms(x) + 1e-9)


def slow_gain(rng, count, depth, seconds):
    points = rng.uniform(-depth, 0, int(count / (seconds * RATE)) + 3)
    return decibels(np.interp(np.arange(count) / (seconds * RATE), np.arange(len(points)), points)).astype(np.float32)


def made(rng, kind, count, pool):
    if kind == 'noise':
        x = colored(rng, count)
        if rng.random() < 0.6:
            x = convolved(x, random_filter(rng, 12))
        if rng.random() < 0.3:
            x *= slow_gain(rng, count, rng.uniform(3, 15), rng.uniform(0.3, 3))
        return x
    if kind == 'babble':
        x = np.zeros(count, np.float32)
        for _ in range(rng.integers(5, 16)):
            voice = pool.talker(rng)
            at = -int(rng.integers(RATE))
            gain = decibels(rng.uniform(-8, 0))
            while at < count:
                clip = pool.clip(rng, voice, 8 * RATE)
                clip = clip / (rms(clip) + 1e-6) * gain
                a, b = max(at, 0), min(at + len(clip), count)
                if b > a:
                    x[a:b] += clip[a - at:b - at]
                at += len(clip) + int(rng.exponential(0.3) * RATE)
        return convolved(x, room(rng)) if rng.random() < 0.8 else x
    if kind == 'hum':
        base = rng.choice([50, 60, 100, 120, rng.uniform(40, 400)]) * (1 + 0.0005 * rng.standard_normal())
        time = np.arange(count) / RATE
        x = sum(rng.uniform(0, 1) / h ** rng.uniform(0, 1.5) * np.sin(2 * np.pi * (base * h * time + rng.random()))
                for h in range(1, int(rng.integers(4, 30))) if base * h < 7900)
        return np.float32(x) + colored(rng, count) * 0.05
    if kind == 'band':
        low = np.exp(rng.uniform(np.log(80), np.log(4000)))
        high = min(low * rng.uniform(1.2, 4), 7800)
        x = signal.sosfilt(signal.butter(3, [low, high], 'band', fs=RATE, output='sos'), rng.standard_normal(count))
        depth = rng.uniform(0, 1)
        rate = np.exp(rng.uniform(np.log(0.5), np.log(30)))
        gate = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * (rate * np.arange(count) / RATE + rng.random())))
        return np.float32(x * gate) + 0.02 * rms(x) * rng.standard_normal(count).astype(np.float32)
    if kind == 'gusts':
        x = colored(rng, count, rng.uniform(-1.6, -0.8))
        return x * slow_gain(rng, count, rng.uniform(10, 35), rng.uniform(0.15, 1))
    if kind == 'clicks':
        length = int(rng.uniform(0.003, 0.08) * RATE)
        x = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
        return convolved(np.float32(x), random_filter(rng, 18))
    if kind == 'tones':
        length = int(rng.uniform(0.1, 2.5) * RATE)
        time = np.arange(length) / RATE
        style = rng.integers(4)
        if style == 0:  # a beep, or two
            pitch = np.full(length, rng.uniform(200, 3000))
            if rng.random() < 0.5:
                pitch[length // 2:] = rng.uniform(200, 3000)
        elif style == 1:  # a siren
            pitch = rng.uniform(300, 1200) * 2 ** (rng.uniform(0.2, 1) * np.sin(2 * np.pi * rng.uniform(0.2, 6) * time))
        elif style == 2:  # a note
            pitch = np.full(length, 55 * 2 ** (rng.integers(60) / 12))
        else:  # a sweep
            pitch = rng.uniform(80, 2500) * 2 ** (rng.uniform(-2, 2) * time / time[-1])
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        x = sum(rng.uniform(0, 1) / h ** rng.uniform(0, 2) * np.sin(h * phase) * (h * pitch < 7800)
                for h in range(1, int(rng.integers(2, 12))))
        edge = min(length // 4, int(rng.uniform(0.003, 0.05) * RATE)) + 1
        x[:edge] *= np.linspace(0, 1, edge)
        x[-edge:] *= np.linspace(1, 0, edge)
        if rng.random() < 0.4:
            x *= np.exp(-time / rng.uniform(0.05, 1))
        return np.float32(x)
    raise ValueError(kind)


def chosen(rng, table, pool):
    kinds = [k for k in table if k in MADE or pool.has(k)]
    weights = np.array([table[k] for k in kinds], float)
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())]


def lasting(rng, count, pool):
    """`count` samples of a sound that goes on, with an RMS of 1."""
    kind = chosen(rng, LASTING, pool)
    if kind in MADE:
        x = made(rng, kind, count, pool)
    else:
        group = pool.group(rng, kind)
        x = np.zeros(0, np.float32)
        while len(x) < count:
            clip = pool.clip(rng, group, count)
            x = np.append(x, clip / (rms(clip) + 1e-4))
        x = x[:count]
    if rng.random() < 0.4:
        x = convolved(x, random_filter(rng, 8))
    return x / (rms(x) + 1e-6)


def events(rng, count, pool):
    """Sounds that happen now and then; the loudest 100 ms of each have an RMS of about 1."""
    x = np.zeros(count, np.float32)
    kind = chosen(rng, EVENTS, pool)
    group = None if kind in MADE else pool.group(rng, kind)
    pause = np.exp(rng.uniform(np.log(0.05), np.log(4)))
    response = room(rng) if rng.random() < 0.5 else None
    color = random_filter(rng, 8)
    at = int(rng.exponential(pause) * RATE)
    while at < count:
        clip = made(rng, kind, count, pool) if group is None else pool.clip(rng, group, 10 * RATE)
        if group is not None and rng.random() < 0.3:
            clip = respeeded(rng, clip)
        loudest = max(rms(clip[a:a + 1600]) for a in range(0, len(clip), 1600))
        clip = clip / (loudest + 1e-4) * decibels(rng.uniform(-8, 3))
        b = min(at + len(clip), count)
        x[at:b] += clip[:b - at]
        at += len(clip) + int(rng.exponential(pause) * RATE)
    x = convolved(x, color)
    return convolved(x, response) if response is not None else x


# Scenes


def talk(rng, count, pool, is_meeting=False):
    """What some talkers say, with an RMS of 1 where they do, and the labels. A meeting has several in one room."""
    frames = count // HOP
    labels = np.zeros(frames, np.uint8)
    x = np.zeros(count, np.float32)
    talkers = int(rng.choice([2, 3, 3, 4, 5] if is_meeting else [1, 1, 1, 1, 2, 2, 3, 4]))
    far = is_meeting or rng.random() < 0.5
    wall = room(rng)
    voices = []
    for _ in range(talkers):
        group = pool.talker(rng)
        response = random_filter(rng, rng.choice([2, 6, 10]))
        if far:
            # The same room from another place in it.
            other = room(rng) if rng.random() < 0.3 else wall * np.where(np.arange(len(wall)) > 0, rng.uniform(0.5, 1.5), 1)
            response = signal.fftconvolve(response, other)
        voices.append((group, response, rng.random() < 0.5, decibels(rng.uniform(-10, 0) if talkers > 1 else 0)))
    pause = np.exp(rng.uniform(np.log(0.15), np.log(2.5)))
    at = int(rng.exponential(pause) * RATE) if rng.random() < 0.85 else 0
    tail = np.zeros(frames, bool)
    while at < count:
        group, response, shifted, gain = voices[rng.integers(talkers)]
        for _ in range(1 + rng.geometric(0.5)):
            clip = pool.clip(rng, group, 12 * RATE)
            if shifted:
                clip = respeeded(rng, clip)
            marks = label(clip)
            active = np.repeat(marks == SPEECH, HOP)[:len(clip)]
            if not active.any():
                break
            clip = clip / (rms(clip[active]) + 1e-4) * gain * decibels(rng.uniform(-3, 3))
            at = at // HOP * HOP
            b = min(at + len(clip), count)
            if b <= at:
                break
            wet = signal.fftconvolve(clip, response.astype(np.float32))
            end = min(at + len(wet), count)
            x[at:end] += wet[:end - at]
            first, last = at // HOP, min(at // HOP + len(marks), frames)
            part = marks[:last - first]
            # Where one talker is heard there is speech, whatever the others do.
            labels[first:last] = np.where(
                part == SPEECH, SPEECH, np.where((part == UNASKED) & (labels[first:last] == NO_SPEECH), UNASKED, labels[first:last]))
            if far:
                for _, stop in runs(part == SPEECH):
                    tail[first + stop:first + stop + 8] = True
            at = b + int((rng.exponential(0.12) if rng.random() < 0.7 else rng.exponential(0.5)) * RATE)
        at += int(rng.exponential(pause) * RATE)
        if talkers > 1 and rng.random() < (0.4 if is_meeting else 0.25):
            at = max(0, at - int(rng.uniform(0.1, 1) * RATE))
    labels[tail & (labels == NO_SPEECH)] = UNASKED
    active = np.repeat(labels == SPEECH, HOP)
    if active.any():
        x[:len(active)] /= rms(x[:len(active)][active]) + 1e-6
    return x, labels


def scene(rng, pool):
    seconds = float(np.exp(rng.uniform(np.log(3), np.log(30))))
    count = int(seconds * 100) * HOP
    frames = count // HOP
    style = rng.choice(['talk', 'meeting', 'clean', 'sounds', 'silence'], p=[0.42, 0.18, 0.08, 0.30, 0.02])
    if style == 'silence':
        level = 0 if rng.random() < 0.5 else decibels(rng.uniform(-96, -70))
        return (level * rng.standard_normal(count)).astype(np.float32), np.zeros(frames, np.uint8)
    x, labels = np.zeros(count, np.float32), np.zeros(frames, np.uint8)
    if style != 'sounds':
        x, labels = talk(rng, count, pool, style == 'meeting')
    if style != 'clean':
        ratio = {'talk': rng.uniform(-5, 28), 'meeting': rng.uniform(5, 28), 'sounds': 0}[style]
        y = np.zeros(count, np.float32)
        if rng.random() < 0.75:
            for _ in range(1 if rng.random() < 0.7 else 2):
                y += lasting(rng, count, pool) * decibels(rng.uniform(-9, 0))
        if rng.random() < (0.65 if style == 'sounds' else 0.4) or not y.any():
            for _ in range(1 if rng.random() < 0.7 else 2):
                y += events(rng, count, pool) * decibels(rng.uniform(-6, 9))
        x = x + y * decibels(-ratio)
        if style == 'sounds':
            x /= rms(x) + 1e-6
    # The room's and the microphone's own noise.
    x = x + colored(rng, count, rng.uniform(-0.8, 0)) * decibels(rng.uniform(-60, -25))
    return line(rng, x, labels)


def line(rng, x, labels):
    """The way from the microphone: its colour, level, telephones, gates and clipping."""
    count = len(x)
    if rng.random() < 0.5:
        x = convolved(x, random_filter(rng, rng.choice([4, 10])))
    way = rng.random()
    if way < 0.14:
        x = signal.sosfilt(signal.butter(3, [rng.uniform(150, 350), rng.uniform(3000, 3700)], 'band', fs=RATE, output='sos'), x)
        narrow = signal.resample_poly(x, 1, 2)
        if rng.random() < 0.6:
            peak = np.max(np.abs(narrow)) * rng.uniform(1, 4) + 1e-9
            law = np.sign(narrow) * np.log1p(255 * np.minimum(np.abs(narrow) / peak, 1)) / np.log(256)
            law = np.round(law * 127) / 127
            narrow = np.sign(law) * np.expm1(np.abs(law) * np.log(256)) / 255 * peak
        x = signal.resample_poly(narrow, 2, 1)[:count]
    elif way < 0.30:
        x = signal.sosfilt(signal.butter(int(rng.integers(2, 9)), rng.uniform(2500, 7600), fs=RATE, output='sos'), x)
    if rng.random() < 0.2:
        x = signal.sosfilt(signal.butter(2, rng.uniform(50, 250), 'high', fs=RATE, output='sos'), x)
    if rng.random() < 0.1:
        x = x * slow_gain(rng, count, rng.uniform(3, 12), rng.uniform(0.5, 4))
    x = x / (rms(x) + 1e-9) * decibels(rng.uniform(-50, -12))
    if rng.random() < 0.05:
        # A noise gate closes in the pauses.
        open_ = np.repeat(np.convolve(labels > 0, np.ones(11), 'same') > 0, HOP)[:count]
        x = x * np.maximum(open_, decibels(rng.uniform(-60, -15)))
    if rng.random() < 0.04:
        x = x * decibels(rng.uniform(6, 30))
        x = np.clip(x, -0.99, 0.99) * decibels(rng.uniform(-20, 0))
    if rng.random() < 0.08:
        x = x + rng.uniform(-0.05, 0.05)
    return x.astype(np.float32), labels


def tape(pool, split, number):
    rng = np.random.default_rng([20261125, {'train': 0, 'valid': 1}[split], number])
    samples, labels = [], []
    frames = 0
    while frames < TAPE_SECONDS * 100:
        x, marks = scene(rng, pool)
        samples.append(x[:len(marks) * HOP])
        labels.append(marks)
        frames += len(marks)
    x = np.concatenate(samples)[:TAPE_SECONDS * RATE]
    return np.clip(np.round(x * 32768), -32768, 32767).astype(np.int16), np.concatenate(labels)[:TAPE_SECONDS * 100]


def write_wave(path, x):
    with wave.open(path, 'wb') as file:
        file.setparams((1, 2, RATE, len(x), 'NONE', None))
        file.writeframes(x.tobytes())


POOL = None


def write(task):
    out, split, number = task
    name = os.path.join(out, f'{split}-{number:04d}')
    if os.path.exists(name + '.u8'):
        return
    x, labels = tape(POOL, split, number)
    write_wave(name + '.wav', x)
    labels.tofile(name + '.part')
    os.rename(name + '.part', name + '.u8')


def main():
    global POOL
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('corpus')
    arguments.add_argument('out')
    arguments.add_argument('--split', choices=['train', 'valid'], default='train')
    arguments.add_argument('--tapes', type=int, default=500)
    arguments.add_argument('--first', type=int, default=0)
    arguments.add_argument('--jobs', type=int, default=os.cpu_count())
    options = arguments.parse_args()
    os.makedirs(options.out, exist_ok=True)
    POOL = Pool(options.corpus, options.split)
    tasks = [(options.out, options.split, n) for n in range(options.first, options.first + options.tapes)]
    with multiprocessing.get_context('fork').Pool(options.jobs) as workers:
        for done, _ in enumerate(workers.imap_unordered(write, tasks), 1):
            if done % 10 == 0 or done == len(tasks):
                print(f'{done} of {len(tasks)} tapes', flush=True)


if __name__ == '__main__':
    main()
