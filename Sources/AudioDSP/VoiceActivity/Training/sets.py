"""Recordings of three kinds from the validation side of the corpus, for choosing thresholds and telling errors apart.

  sets.py CORPUS OUT

OUT/none: two times ten minutes of sounds without speech, each 5 to 20 s long; OUT/noise: fifteen minutes of talk at 0 to
20 dB above a sound that lasts, in 40 % of cases with one that happens; OUT/meetings: the same with several talkers far away
in one room, at 10 to 28 dB. Levels from -40 to -15 dBFS. Files and labels are as those of mixes.py.
"""

import os
import sys

import numpy as np

import mixes


def save(folder, name, pieces, labels, seconds):
    os.makedirs(folder, exist_ok=True)
    x = np.concatenate(pieces)[:seconds * mixes.RATE]
    mixes.write_wave(os.path.join(folder, name + '.wav'), np.clip(np.round(x * 32768), -32768, 32767).astype(np.int16))
    np.concatenate(labels)[:seconds * 100].tofile(os.path.join(folder, name + '.u8'))


def without_speech(pool, folder):
    for number in range(2):
        rng = np.random.default_rng([5, number])
        pieces, labels = [], []
        while sum(map(len, labels)) < 60000:
            count = int(rng.uniform(5, 20) * 100) * mixes.HOP
            y = mixes.lasting(rng, count, pool) if rng.random() < 0.55 else mixes.events(rng, count, pool)
            y = y / (mixes.rms(y) + 1e-6) + mixes.colored(rng, count) * mixes.decibels(-35)
            pieces.append(np.clip(y / mixes.rms(y) * mixes.decibels(rng.uniform(-40, -15)), -1, 1))
            labels.append(np.zeros(count // mixes.HOP, np.uint8))
        save(folder, f'none{number}', pieces, labels, 600)


def with_speech(pool, folder, least, greatest, is_meeting, seed):
    for number in range(3):
        rng = np.random.default_rng([seed, number])
        pieces, labels = [], []
        while sum(map(len, labels)) < 30000:
            count = int(rng.uniform(15, 40) * 100) * mixes.HOP
            x, marks = mixes.talk(rng, count, pool, is_meeting)
            y = mixes.lasting(rng, count, pool)
            if rng.random() < 0.4:
                y = y + mixes.events(rng, count, pool)
            y = y / (mixes.rms(y) + 1e-6)
            z = x + y * mixes.decibels(-rng.uniform(least, greatest))
            z = z / (mixes.rms(z) + 1e-6) * mixes.decibels(rng.uniform(-40, -18))
            pieces.append(np.clip(z[:len(marks) * mixes.HOP], -1, 1))
            labels.append(marks)
        save(folder, f't{number}', pieces, labels, 300)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pool = mixes.Pool(sys.argv[1], 'valid')
    without_speech(pool, os.path.join(sys.argv[2], 'none'))
    with_speech(pool, os.path.join(sys.argv[2], 'noise'), 0, 20, False, 11)
    with_speech(pool, os.path.join(sys.argv[2], 'meetings'), 10, 28, True, 12)


if __name__ == '__main__':
    main()
