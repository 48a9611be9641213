#!/usr/bin/env python3
"""An archive of 2,000 recordings of 10 s, twenty of them broken: what it costs here, in ffmpeg and in Python.

    archive.py --utter PATH [--files N] [--keep FOLDER] [--no-python] [--json]

Makes the archive from TestAudio with ffmpeg (WAV, FLAC, MP3, Ogg Vorbis, Opus, AIFF, CAF, G.711 and AAC in turn), then
times whole commands, each after a run that does not count and that reads every file into the cache:

    convert   `utter convert` of the folder to 24 kHz mono; `xargs -P` with one ffmpeg for each file
    vad       `utter vad` of the folder; Python with soundfile, soxr and Silero (onnxruntime), one process for each core

and checks, with exit status 1 where that fails: that every broken file is named once and nothing else is; that a run
that was killed again and again and gone on with by --skip-existing leaves the same files as one that was not; that as
many samples came as ffmpeg has, within the padding of lossy codecs.

Python needs soundfile, soxr, numpy and silero-vad; without them its part is left out, and said to be.
"""

import argparse
import filecmp
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BROKEN_COUNT = 20

# extension, and what ffmpeg is told; m4a goes through ffmpeg in `utter`, too.
KINDS = [
    ("wav", ["-ar", "48000", "-ac", "2"]),
    ("wav", ["-ar", "44100", "-ac", "1"]),
    ("flac", ["-ar", "44100", "-ac", "2"]),
    ("mp3", ["-ar", "44100", "-ac", "1", "-b:a", "96k"]),
    ("ogg", ["-ar", "44100", "-ac", "1", "-c:a", "libvorbis"]),
    ("opus", ["-ar", "48000", "-ac", "1", "-c:a", "libopus", "-b:a", "32k"]),
    ("aiff", ["-ar", "22050", "-ac", "1"]),
    ("caf", ["-ar", "16000", "-ac", "1"]),
    ("wav", ["-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw"]),
    ("m4a", ["-ar", "44100", "-ac", "1", "-c:a", "aac", "-b:a", "96k"]),
]


def make_archive(folder: Path, count: int) -> list[str]:
    """Fills a folder; gives the names of the broken files."""
    generator = random.Random(20261125)
    sources = sorted(p for p in (ROOT / "TestAudio").iterdir() if p.suffix in (".wav", ".flac"))
    takes = []
    # Forty recordings, copied under many names: what is timed is reading and work, not this.
    for i in range(40):
        extension, options = KINDS[i % len(KINDS)]
        take = folder.parent / f"take-{i}.{extension}"
        source = generator.choice(sources)
        subprocess.run(
            ["ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", source, "-t", "10", *options, take],
            check=True)
        takes.append(take)
    broken = set(generator.sample(range(count), min(BROKEN_COUNT, count)))
    names = []
    for i in range(count):
        take = takes[i % len(takes)]
        path = folder / f"{i % 7}" / f"{i:05d}{take.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = take.read_bytes()
        if i in broken:
            content = damage(content, generator)
            names.append(str(path.relative_to(folder)))
        path.write_bytes(content)
    return names


def damage(content: bytes, generator: random.Random) -> bytes:
    """Makes a recording one that no program can read."""
    return generator.choice([
        b"", b"This is a text that somebody named like a recording.\n" * 20, content[:20], bytes(4096),
        b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 0, 16000, 0, 0, 16),
    ])


def timed(command, **options) -> tuple[float, subprocess.CompletedProcess]:
    start = time.perf_counter()
    outcome = subprocess.run(command, capture_output=True, **options)
    return time.perf_counter() - start, outcome


def run_ffmpeg(archive: Path, out: Path, jobs: int) -> float:
    names = "\0".join(str(p.relative_to(archive)) for p in sorted(archive.rglob("*")) if p.is_file())
    # The folders beforehand, so that nothing but ffmpeg is timed.
    for sub in {p.parent.relative_to(archive) for p in archive.rglob("*") if p.is_file()}:
        (out / sub).mkdir(parents=True, exist_ok=True)
    seconds, _ = timed(
        ["xargs", "-0", "-P", str(jobs), "-I{}", "ffmpeg", "-nostdin", "-v", "error", "-y", "-i", f"{archive}/{{}}",
         "-ac", "1", "-ar", "24000", f"{out}/{{}}.wav"], input=names.encode())
    return seconds


def check_convert(archive: Path, out: Path, outcome, broken: list[str]) -> None:
    lines = outcome.stderr.decode().splitlines()
    for name in broken:
        told = [line for line in lines if f"{archive}/{name}:" in line]
        if len(told) != 1:
            sys.exit(f"{name} is broken and was told {len(told)} times")
    whole = sum(1 for p in archive.rglob("*") if p.is_file()) - len(broken)
    made = sum(1 for p in out.rglob("*.wav"))
    if outcome.returncode != 1 or made != whole:
        sys.exit(f"exit status {outcome.returncode}, {made} files of {whole}")


def check_lengths(ours: Path, theirs: Path) -> None:
    for path in ours.rglob("*.wav"):
        other = theirs / path.relative_to(ours)
        a, b = path.stat().st_size, other.stat().st_size
        # Lossy codecs: ffmpeg keeps or drops a packet of padding; G.711 and the rest differ by rounding.
        if abs(a - b) > 2 * 24000 * 0.06 + 200:
            sys.exit(f"{path}: {a} bytes here, {b} in ffmpeg")


def check_resumed(utter: str, archive: Path, whole: Path, part: Path) -> int:
    """Kills a run again and again and goes on with it; gives how often."""
    kills = 0
    generator = random.Random(1)
    command = [utter, "convert", str(archive), str(part), "--skip-existing", "-q"]
    while True:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=generator.uniform(0.2, 2.5))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(generator.choice([signal.SIGKILL, signal.SIGINT]))
            process.wait()
            kills += 1
    names = sorted(str(p.relative_to(whole)) for p in whole.rglob("*") if p.is_file())
    if names != sorted(str(p.relative_to(part)) for p in part.rglob("*") if p.is_file()):
        sys.exit("interrupted and gone on with, there are other files")
    if filecmp.cmpfiles(whole, part, names, shallow=False)[0] != names:
        sys.exit("interrupted and gone on with, the files differ")
    return kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utter", required=True, help="the tool, as a release build")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="make or find the archive here, and leave it")
    parser.add_argument("--no-python", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    jobs = len(os.sched_getaffinity(0))

    with tempfile.TemporaryDirectory() as temporary:
        base = options.keep or Path(temporary)
        archive = base / "archive"
        listing = base / "broken.json"
        if not listing.exists():
            archive.mkdir(parents=True)
            listing.write_text(json.dumps(make_archive(archive, options.files)))
        broken = json.loads(listing.read_text())
        outputs = Path(temporary)
        figures = {"files": options.files, "jobs": jobs}

        timed([options.utter, "convert", archive, outputs / "warm"])
        figures["convert_utter_s"], outcome = timed([options.utter, "convert", archive, outputs / "utter"])
        check_convert(archive, outputs / "utter", outcome, broken)
        figures["convert_ffmpeg_s"] = run_ffmpeg(archive, outputs / "ffmpeg", jobs)
        check_lengths(outputs / "utter", outputs / "ffmpeg")
        figures["kills"] = check_resumed(options.utter, archive, outputs / "utter", outputs / "part")
        figures["vad_utter_s"], outcome = timed([options.utter, "vad", archive, "--format", "csv"])
        if not options.no_python:
            seconds, outcome = timed([sys.executable, Path(__file__).with_name("silero.py"), archive, str(jobs)])
            if outcome.returncode == 0:
                figures["vad_python_s"] = seconds
            else:
                last = outcome.stderr.decode().strip().splitlines()[-1:]
                print(f"left out: Python with Silero ({last})", file=sys.stderr)

    figures["convert_ratio"] = figures["convert_ffmpeg_s"] / figures["convert_utter_s"]
    if "vad_python_s" in figures:
        figures["vad_ratio"] = figures["vad_python_s"] / figures["vad_utter_s"]
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{options.files} files of 10 s, {len(broken)} broken, {jobs} at once")
    print(f"convert: utter {figures['convert_utter_s']:.2f} s, ffmpeg {figures['convert_ffmpeg_s']:.2f} s, "
          f"{figures['convert_ratio']:.1f} times as long")
    line = f"vad: utter {figures['vad_utter_s']:.2f} s"
    if "vad_python_s" in figures:
        line += f", Python with Silero {figures['vad_python_s']:.2f} s, {figures['vad_ratio']:.1f} times as long"
    print(line)
    print(f"killed {figures['kills']} times and gone on with: the same files")


if __name__ == "__main__":
    main()
