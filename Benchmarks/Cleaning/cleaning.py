#!/usr/bin/env python3
"""What `utter convert --clean` does to speech, and what it costs, beside others in the same run.

    cleaning.py CORPUS [--utter PATH] [--mixes N] [--split SPLIT] [--jobs N] [--json]

CORPUS is a folder that corpus.py of Sources/AudioDSP/VoiceActivity/Training has filled; only clips of one split are
used, by default of `valid`, which no detector here has learned from. Three tables:

    noise      speech in six kinds of noise at 20, 10, 5 and 0 dB: SpeexDSP, WebRTC, RNNoise and ffmpeg's afftdn
    loudness   files brought to -23 LUFS: ffmpeg's loudnorm; ffmpeg's ebur128 is the meter of both
    level      gain control of speech from -40 to -6 dBFS: SpeexDSP, WebRTC, ffmpeg's speechnorm and dynaudnorm

Libraries that are not installed are left out and named. Exit status 1 when any tool fails, gives a wrong length,
silence, no numbers or something else than what it was given, or when `utter convert` without cleaning changes one bit.

Needs ffmpeg, and Python with numpy, scipy, soundfile, pesq and pystoi; webrtc_noise_gain and pyrnnoise are peers.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from multiprocessing import Pool as Workers
from pathlib import Path

# One thread for each process: processor time is measured, and there is a process for each core.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
import soundfile  # noqa: E402

import measures  # noqa: E402
import mixtures  # noqa: E402
import processors  # noqa: E402
from mixtures import KINDS, RATE, SNRS  # noqa: E402
from processors import Failure  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TAIL = RATE // 5  # silence behind a signal, longer than any delay here
LOUDNESS, CEILING = -23.0, -1.0  # LUFS, dBTP: EBU R 128
FILE_LEVELS = (-45, -12)  # dBFS, the least and the greatest
GAIN_LEVELS = (-40, -32, -23, -14, -6)
GAIN_NOISE = -30.0  # the noise's level in the speech of the third table, in dB below it
TALKERS = 10


def available(makers, absent: list) -> list:
    found = []
    for make in makers:
        try:
            found.append(make())
        except LookupError as missing:
            absent.append(str(missing))
    return found


def suppressors(utter: str | None, absent: list) -> list:
    """WebRTC's suppression is 2 of 4, `moderate`; the others are as they come."""
    ours = ("full", "light") if utter else ()
    return available([
        processors.Untouched,
        *(lambda part=part: processors.utter(utter, f"utter {part}", part) for part in ours),
        lambda: processors.SpeexDSP("SpeexDSP"),
        lambda: processors.WebRTC("WebRTC NS", suppression=2),
        lambda: processors.RNNoise("RNNoise"),
        lambda: processors.ffmpeg("ffmpeg afftdn", "afftdn"),
        lambda: processors.ffmpeg("ffmpeg afftdn, tracking", "afftdn=tn=1"),
    ], absent)


def gain_controls(utter: str | None, absent: list) -> list:
    """speechnorm as its manual has it for strong amplification; the others are as they come."""
    return available([
        processors.Untouched, *([lambda: processors.utter(utter, "utter agc", "agc")] if utter else []),
        lambda: processors.SpeexDSP("SpeexDSP AGC", agc=True),
        lambda: processors.WebRTC("WebRTC AGC", gain=3),
        lambda: processors.ffmpeg("ffmpeg speechnorm", "speechnorm=e=25:r=0.0001:l=1"),
        lambda: processors.ffmpeg("ffmpeg dynaudnorm", "dynaudnorm"),
    ], absent)


def processed(processor, x: np.ndarray, lag: int = 0) -> np.ndarray:
    """What comes out for `x`, `lag` samples taken from its beginning: as long as `x`, or a failure."""
    padded = np.concatenate([x, np.zeros(TAIL)])
    y = processor.process(padded)
    if len(y) != len(padded):
        raise Failure(f"{processor.name}: {len(y)} samples of {len(padded)}")
    if not np.isfinite(y).all():
        raise Failure(f"{processor.name}: there are samples that are no numbers")
    y = y[lag:lag + len(x)]
    # No gain control and no suppressor here takes away more from a signal with speech in it.
    if measures.decibels(np.mean(y ** 2)) < measures.decibels(np.mean(x ** 2)) - 40:
        raise Failure(f"{processor.name}: silence came")
    return y


def measured_lag(processor, pool: mixtures.Pool) -> int:
    """By how many samples the output stays behind the input; a failure when it is not the same speech."""
    x, _ = mixtures.speech_alone(pool, 0, mixtures.SECONDS)
    lag, likeness = measures.lag(x, processed(processor, x))
    if lag < 0 or lag >= TAIL or not likeness > 0.7:
        raise Failure(f"{processor.name}: what came is not what went in (lag {lag}, likeness {likeness:.2f})")
    return lag


# What a worker has; set once in each.
pool: mixtures.Pool
tools: list
lags: dict


def start(corpus, split, make, utter, known_lags) -> None:
    global pool, tools, lags
    pool = mixtures.Pool(corpus, split)
    tools = make(utter, [])
    lags = known_lags


def suppress(job) -> list[dict]:
    """All figures of one mixture."""
    mixture = mixtures.mixture(pool, *job)
    # Rounded to 16 bits, as all processors get it.
    speech = mixture.at(None)
    quiet = measures.pauses(mixture.is_active)
    records = []
    for snr in (*SNRS, None):
        x = mixture.at(snr)
        noisy = None
        for tool in tools:
            y = processed(tool, x, lags[tool.name])
            record = {"name": tool.name, "kind": mixture.kind, "number": mixture.number, "snr": snr,
                      "pesq": measures.pesq_wide_band(speech, y)}
            if snr is not None:
                figures = np.array([record["pesq"], measures.estoi(speech, y), measures.si_sdr(speech, y)])
                noisy = figures if noisy is None else noisy  # the first is the input
                record |= dict(zip(("pesq_change", "estoi_change", "si_sdr_gain"), map(float, figures - noisy)))
                record["pauses"] = -measures.power_change(x, y, quiet)
            records.append(record)
    return records


def control(job) -> list[dict]:
    """All figures of one talker at one level."""
    number, level = job
    rng = np.random.default_rng([3, number])
    speech, is_active = mixtures.speech_alone(pool, number, 20)
    noise = mixtures.stationary(rng, pool, "", len(speech))
    noise *= 10 ** ((measures.speech_level(speech, is_active) + GAIN_NOISE) / 20)
    x = (speech + noise) * 10 ** ((level - measures.speech_level(speech, is_active)) / 20)
    # Loud speech is clipped, as a sound card has it.
    x = np.clip(np.round(x * 32768), -32768, 32767) / 32768
    onset = int(np.flatnonzero(is_active)[0])
    # Gain controls hold on for some time after a word, as they should: that is no pause yet.
    quiet = measures.pauses(is_active, guard=0.3)

    def level_of(y, since, until) -> float:
        part = slice(onset + int(since * RATE), onset + int(until * RATE))
        return float(measures.speech_level(y[part], is_active[part]))

    records = []
    for tool in tools:
        y = processed(tool, x, lags[tool.name])
        records.append({
            "name": tool.name, "number": number, "input": level, "level": level_of(y, 2, 100),
            "level_early": level_of(y, 2, 6), "pauses": float(measures.power_change(x, y, quiet)),
            "peak": float(measures.true_peak(y))})
    return records


def normalize(job) -> list[dict]:
    """All figures of one talker's file."""
    number, level = job
    speech, is_active = mixtures.speech_alone(pool, number, 30)
    x = speech * 10 ** ((level - measures.speech_level(speech, is_active)) / 20)
    records = []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.wav"), Path(folder, "out.wav")
        soundfile.write(source, np.clip(x, -1, 1), RATE, subtype="PCM_16")
        for tool in tools:
            target.unlink(missing_ok=True)
            _, word = tool.normalize(source, target, LOUDNESS, CEILING)
            info = soundfile.info(target)
            if (info.frames, info.samplerate) != (len(x), RATE):
                raise Failure(f"{tool.name}: {info.frames} samples of {len(x)}, {info.samplerate} Hz")
            loudness, peak = processors.meter(target)
            if not loudness > -60:
                raise Failure(f"{tool.name}: silence came, {loudness} LUFS")
            records.append({"name": tool.name, "number": number, "input": level, "error": loudness - LOUDNESS,
                            "peak": peak, "word": word})
    return records


def normalizers(utter: str | None, absent: list) -> list:
    return [processors.Untouched(), *([processors.UtterLoudness(utter)] if utter else []), processors.Loudnorm()]


def everywhere(work, jobs: list, workers: int, *arguments) -> list[dict]:
    """What `work` gives for all jobs; says on standard error how far it is."""
    records = []
    with Workers(workers, initializer=start, initargs=arguments) as crew:
        for count, part in enumerate(crew.imap(work, jobs), 1):
            records += part
            print(f"\r{work.__name__}: {count} of {len(jobs)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return records


def mean(records, key, **wanted) -> float:
    values = [r[key] for r in records if key in r and all(r[k] == v for k, v in wanted.items())]
    return float(np.mean(values)) if values else math.nan


def noise_rows(records, tools, lags, costs) -> list[dict]:
    rows = []
    for tool in tools:
        own = [r for r in records if r["name"] == tool.name]
        part, whole = costs[tool.name]
        rows.append({
            "name": tool.name, "pesq": [mean(own, "pesq", snr=snr) for snr in SNRS],
            "estoi_change": mean(own, "estoi_change"), "si_sdr_gain_db": mean(own, "si_sdr_gain"),
            "pauses_db": mean(own, "pauses"), "pauses_stationary_db": mean(own, "pauses", kind="stationary"),
            "pesq_clean": mean(own, "pesq", snr=None), "cpu_s_per_s": part, "cpu_whole_s_per_s": whole,
            "lag_ms": 1000 * lags[tool.name] / RATE,
            "kinds": {kind: {key: mean(own, key, kind=kind)
                             for key in ("pesq_change", "estoi_change", "si_sdr_gain", "pauses")} for kind in KINDS}})
    return rows


def loudness_rows(records, tools, costs) -> list[dict]:
    rows = []
    for tool in tools:
        own = [r for r in records if r["name"] == tool.name]
        errors = np.abs([r["error"] for r in own])
        rows.append({
            "name": tool.name, "error_mean_lu": float(errors.mean()), "error_greatest_lu": float(errors.max()),
            "peak_dbtp": max(r["peak"] for r in own), "changed_gain": sum(r["word"] != "" for r in own),
            "cpu_s_per_s": costs[tool.name]})
    return rows


def gain_rows(records, tools, lags, costs) -> list[dict]:
    rows = []
    for tool in tools:
        own = [r for r in records if r["name"] == tool.name]
        levels = np.array([r["level"] for r in own])
        early = np.array([r["level_early"] for r in own])
        part, whole = costs[tool.name]
        rows.append({
            "name": tool.name, "level_dbfs": float(levels.mean()), "spread_db": float(levels.std()),
            "early_off_db": float(np.abs(early - levels.mean()).max()),
            "pauses_raised_db": float(np.mean([r["pauses"] for r in own])),
            "pauses_raised_most_db": max(r["pauses"] for r in own), "peak_dbtp": max(r["peak"] for r in own),
            "cpu_s_per_s": part, "cpu_whole_s_per_s": whole, "lag_ms": 1000 * lags[tool.name] / RATE})
    return rows


def cost(tool, x) -> tuple:
    return (0.0, 0.0) if isinstance(tool, processors.Untouched) else tool.cost(x)


def normalizing_cost(tool, x) -> float:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.wav"), Path(folder, "out.wav")
        soundfile.write(source, x, RATE, subtype="PCM_16")
        return processors.least(lambda: tool.normalize(source, target, LOUDNESS, CEILING)[0]) / (len(x) / RATE)


def table(head: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


COST_HEAD = ["CPU s per s", "whole process", "lag, ms"]


def cost_cells(row) -> list[str]:
    """Empty for what costs nothing, or has no process of its own."""
    times = [f"{row[key]:.5f}" if row.get(key) else "" for key in ("cpu_s_per_s", "cpu_whole_s_per_s")]
    return [*times, f"{row.get('lag_ms', 0):.1f}"]


def print_tables(figures) -> None:
    print(f"Speech in noise: means over {figures['mixes']} mixtures of {mixtures.SECONDS} s, PESQ wide band\n")
    table(["", "PESQ at " + " / ".join(map(str, SNRS)) + " dB", "ESTOI change", "SI-SDR gain, dB",
           "less noise in pauses, dB: all / stationary", "PESQ of clean speech", *COST_HEAD],
          [[r["name"], " / ".join(f"{p:.2f}" for p in r["pesq"]), f"{r['estoi_change']:+.3f}",
            f"{r['si_sdr_gain_db']:.1f}", f"{r['pauses_db']:.1f} / {r['pauses_stationary_db']:.1f}",
            f"{r['pesq_clean']:.2f}", *cost_cells(r)] for r in figures["noise"]])
    print("By kind of noise: change of PESQ, and dB less noise in pauses\n")
    table(["", *KINDS],
          [[r["name"], *(f"{r['kinds'][k]['pesq_change']:+.2f}, {r['kinds'][k]['pauses']:.1f}" for k in KINDS)]
           for r in figures["noise"]])
    print(f"Loudness of files of 30 s, to {LOUDNESS:g} LUFS and at most {CEILING:g} dBTP, by ffmpeg's ebur128\n")
    table(["", "error, LU: mean / greatest", "true peak, dBTP", "files with more than one gain", "CPU s per s"],
          [[r["name"], f"{r['error_mean_lu']:.2f} / {r['error_greatest_lu']:.1f}", f"{r['peak_dbtp']:.1f}",
            str(r["changed_gain"]), cost_cells(r)[0]] for r in figures["loudness"]])
    print(f"Gain control of speech of {GAIN_LEVELS[0]} to {GAIN_LEVELS[-1]} dBFS, noise {-GAIN_NOISE:g} dB below it\n")
    table(["", "level after 2 s, dBFS", "spread, dB", "2 to 6 s: farthest from it, dB",
           "pauses raised, dB: mean / most", "true peak, dBTP", *COST_HEAD],
          [[r["name"], f"{r['level_dbfs']:.1f}", f"{r['spread_db']:.2f}", f"{r['early_off_db']:.1f}",
            f"{r['pauses_raised_db']:+.1f} / {r['pauses_raised_most_db']:+.1f}", f"{r['peak_dbtp']:.1f}",
            *cost_cells(r)] for r in figures["level"]])
    print("CPU s per s of audio: of programs, the process on ten minutes less that without the part, and the whole;")
    print("of libraries, a loop over 10 ms frames in this process. Lag: what was taken from the output beforehand.")
    if figures["left_out"]:
        print("Left out: " + ", ".join(figures["left_out"]))


def measure(options, utter) -> dict:
    count = -(-options.mixes // len(KINDS))
    pool = mixtures.Pool(options.corpus, options.split)
    absent = [] if utter else ["no utter (--utter)"]
    noise, level = suppressors(utter, absent), gain_controls(utter, absent)
    loudness = normalizers(utter, absent)
    for reason in sorted(set(absent)):
        print(f"left out: {reason}", file=sys.stderr)

    if utter:
        x = mixtures.mixture(pool, KINDS[0], 0).at(0)
        if not np.array_equal(processors.utter(utter, "utter", None).process(x), x):
            raise Failure("utter: what comes without cleaning is not what went in")

    noise_lags = {tool.name: measured_lag(tool, pool) for tool in noise}
    level_lags = {tool.name: measured_lag(tool, pool) for tool in level}
    # Ten minutes of everything at 10 dB.
    long = np.concatenate([mixtures.mixture(pool, KINDS[i % len(KINDS)], i // len(KINDS)).at(10) for i in range(67)])
    noise_costs = {tool.name: cost(tool, long) for tool in noise}
    level_costs = {tool.name: cost(tool, long) for tool in level}
    loudness_costs = {tool.name: normalizing_cost(tool, long) for tool in loudness}

    shared = (options.jobs, options.corpus, options.split)
    noise_records = everywhere(
        suppress, [(kind, i) for i in range(count) for kind in KINDS], *shared, suppressors, utter, noise_lags)
    loudness_records = everywhere(
        normalize, list(enumerate(np.linspace(*FILE_LEVELS, TALKERS))), *shared, normalizers, utter, {})
    level_records = everywhere(
        control, [(i, level) for i in range(TALKERS) for level in GAIN_LEVELS], *shared, gain_controls, utter,
        level_lags)
    return {
        "mixes": count * len(KINDS), "split": options.split, "left_out": sorted(set(absent)),
        "noise": noise_rows(noise_records, noise, noise_lags, noise_costs),
        "loudness": loudness_rows(loudness_records, loudness, loudness_costs),
        "level": gain_rows(level_records, level, level_lags, level_costs)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("--utter", help="the tool, as a release build (default: that of this checkout)")
    parser.add_argument("--mixes", type=int, default=96, help="how many mixtures; a multiple of six (default: 96)")
    parser.add_argument("--split", default="valid", help="which clips: valid (default) or train")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes (default: cores)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.mixes < 1 or options.jobs < 1:
        parser.error("--mixes and --jobs are at least 1")

    utter = options.utter
    if utter is None and (built := ROOT / ".build/release/utter").exists():
        utter = str(built)
    begin = time.monotonic()
    try:
        figures = measure(options, utter)
    except (Failure, OSError, soundfile.LibsndfileError) as failure:
        sys.exit(f"cleaning.py: {failure}")
    figures["seconds"] = time.monotonic() - begin
    if options.json:
        print(json.dumps(figures))
    else:
        print_tables(figures)


if __name__ == "__main__":
    main()
