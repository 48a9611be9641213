"""Tapes to train and validate NoiseSuppressor's network with: speech and noise apart, and what their sum measures.

  tapes.py CORPUS OUT --split train --tapes 240 [--first 0] [--jobs 2]

A tape is ten minutes at 16 kHz of scenes of 4 to 25 s that have nothing in common, made from the pool of clips and by the
functions of the detector's training (../../../VoiceActivity/Training). OUT/train-000.npy holds, for every 8 ms and each
band, log2 of the power of the sum, of speech, of noise, and of what the first gains leave of the sum: [4, frames, bands],
half floats. A tape depends on the corpus, its split and its number only.
"""

import argparse
import multiprocessing
import os
import sys

import numpy as np
import scipy.fft
import scipy.signal as signal

import front

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../VoiceActivity/Training'))
from mixes import (  # noqa: E402
    Pool, RATE, colored, convolved, decibels, events, lasting, random_filter, rms, talk)

TAPE_SECONDS = 600


def scene(rng, pool):
    """Speech and noise, as one microphone has heard them: the sum of both was recorded."""
    seconds = float(np.exp(rng.uniform(np.log(4), np.log(25))))
    count = int(seconds * 125) * front.HOP // 640 * 640
    style = rng.choice(['talk', 'clean', 'sounds', 'meeting'], p=[0.74, 0.12, 0.08, 0.06])
    speech, noise = np.zeros(count, np.float32), np.zeros(count, np.float32)
    if style != 'sounds':
        speech, _ = talk(rng, count, pool, style == 'meeting')
    if style == 'clean':
        noise = colored(rng, count, rng.uniform(-0.8, 0)) * decibels(rng.uniform(-80, -45))
    else:
        ratio = rng.uniform(5, 28) if style == 'meeting' else rng.uniform(-6, 26)
        if rng.random() < 0.85:
            for _ in range(1 if rng.random() < 0.7 else 2):
                noise += lasting(rng, count, pool) * decibels(rng.uniform(-9, 0))
        if rng.random() < 0.4 or not noise.any():
            for _ in range(1 if rng.random() < 0.7 else 2):
                noise += events(rng, count, pool) * decibels(rng.uniform(-6, 6))
        noise *= decibels(-ratio)
        if style == 'sounds':
            noise /= rms(noise) + 1e-6
        noise = noise + colored(rng, count, rng.uniform(-0.8, 0)) * decibels(rng.uniform(-60, -28))
    # The way from the microphone, which is the same for both: its colour, telephones, filters, level.
    if rng.random() < 0.5:
        response = random_filter(rng, rng.choice([4, 10]))
        speech, noise = convolved(speech, response), convolved(noise, response)
    filters = []
    way = rng.random()
    if way < 0.08:
        filters.append(signal.butter(3, [rng.uniform(150, 350), rng.uniform(3000, 3700)], 'band', fs=RATE, output='sos'))
    elif way < 0.20:
        filters.append(signal.butter(int(rng.integers(2, 9)), rng.uniform(2500, 7600), fs=RATE, output='sos'))
    if rng.random() < 0.2:
        filters.append(signal.butter(2, rng.uniform(50, 250), 'high', fs=RATE, output='sos'))
    for sections in filters:
        speech, noise = signal.sosfilt(sections, speech), signal.sosfilt(sections, noise)
    gain = decibels(rng.uniform(-50, -12)) / (rms(speech + noise) + 1e-9)
    return (speech * gain).astype(np.float32), (noise * gain).astype(np.float32)


def tape(pool, split, number):
    rng = np.random.default_rng([20261126, {'train': 0, 'valid': 1}[split], number])
    parts, count = [], 0
    while count < TAPE_SECONDS * RATE:
        parts.append(scene(rng, pool))
        count += len(parts[-1][0])
    return [np.concatenate(side)[:TAPE_SECONDS * RATE] for side in zip(*parts)]


def measured(speech, noise):
    count, step = len(speech) // front.HOP, 5000
    out = np.zeros((4, count, front.BANDS), np.float16)
    window, bands = front.ANALYSIS.astype(np.float32), front.TRIANGLES.T.astype(np.float32)
    state = np.zeros(front.BINS), np.zeros(front.BINS), np.full(front.BINS, 0.5)
    for first in range(0, count, step):
        of_speech, of_noise = (
            scipy.fft.rfft(front.frames(side)[first:first + step] * window, axis=1) for side in (speech, noise))
        powers = [np.square(s.real) + np.square(s.imag) for s in (of_speech + of_noise, of_speech, of_noise)]
        powers = [p * np.float32(front.POWER_SCALE) for p in powers]
        gains = front.suppress_bins(powers[0], *state, first, front.AMPLITUDES)
        for kind, power in enumerate(powers + [powers[0] * gains * gains]):
            out[kind, first:first + step] = np.log2(power @ bands + front.LEAST_POWER)
    return out


POOL = None


def write(task):
    out, split, number = task
    path = os.path.join(out, f'{split}-{number:03d}.npy')
    if not os.path.exists(path):
        with open(path + '.part', 'wb') as file:
            np.save(file, measured(*tape(POOL, split, number)))
        os.rename(path + '.part', path)


def main():
    global POOL
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('corpus')
    arguments.add_argument('out')
    arguments.add_argument('--split', choices=['train', 'valid'], default='train')
    arguments.add_argument('--tapes', type=int, default=240)
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
