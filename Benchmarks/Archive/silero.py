#!/usr/bin/env python3
"""The speech of every recording in a folder, as people find it in Python: soundfile, soxr, Silero.

    silero.py FOLDER JOBS

Prints file,start_s,end_s. What cannot be read is named on standard error and passed over.
"""

import sys
from multiprocessing import Pool
from pathlib import Path

import numpy
import soundfile
import soxr

model = None


def start() -> None:
    global model
    import torch
    from silero_vad import load_silero_vad

    torch.set_num_threads(1)
    model = load_silero_vad(onnx=True)


def speech(path: Path) -> str:
    from silero_vad import get_speech_timestamps

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except Exception as error:
        print(f"{path}: {error}", file=sys.stderr)
        return ""
    mono = soxr.resample(samples.mean(axis=1), rate, 16000).astype(numpy.float32)
    stamps = get_speech_timestamps(mono, model, sampling_rate=16000, return_seconds=True)
    return "".join(f"{path},{s['start']},{s['end']}\n" for s in stamps)


if __name__ == "__main__":
    files = sorted(p for p in Path(sys.argv[1]).rglob("*") if p.is_file())
    with Pool(int(sys.argv[2]), initializer=start) as pool:
        for text in pool.imap(speech, files, chunksize=8):
            sys.stdout.write(text)
