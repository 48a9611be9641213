#!/usr/bin/env python3
"""Whether raw PCM16 and the samples of a WAV file are the same, bit for bit.

compare.py MODE PCM WAV RATE. MODE `exact`; `then-silence`: the PCM may go on with zeros, which a client may send where
the service is to notice that nobody speaks; `without`: the PCM is nowhere in the WAV file.
"""

import struct
import sys


def samples_of(path, rate):
    """The bytes of the data chunk of a mono PCM16 WAV file."""
    with open(path, "rb") as file:
        whole = file.read()
    if whole[:4] != b"RIFF" or whole[8:12] != b"WAVE":
        raise ValueError(f"{path}: no WAV file")
    position, form = 12, None
    while position + 8 <= len(whole):
        name, size = struct.unpack_from("<4sI", whole, position)
        body = whole[position + 8:position + 8 + size]
        if name == b"fmt ":
            tag, channels, found_rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if tag == 0xFFFE:
                tag = struct.unpack_from("<H", body, 24)[0]
            form = (tag, channels, found_rate, bits)
        elif name == b"data":
            if form != (1, 1, rate, 16):
                raise ValueError(f"{path}: tag, channels, rate, bits are {form}, and not {(1, 1, rate, 16)}")
            if len(body) != size:
                raise ValueError(f"{path}: {len(body)} bytes, and {size} announced")
            return body
        position += 8 + size + size % 2
    raise ValueError(f"{path}: no data")


def difference(mode, pcm, wav):
    if mode == "without":
        return "late audio is in it" if pcm and pcm in wav else None
    if not wav:
        return "the WAV file is empty"
    if mode == "then-silence" and len(pcm) > len(wav) and not any(pcm[len(wav):]):
        pcm = pcm[:len(wav)]
    if pcm == wav:
        return None
    at = next((i for i, (one, other) in enumerate(zip(pcm, wav)) if one != other), min(len(pcm), len(wav)))
    return f"{len(pcm)} bytes of PCM and {len(wav)} of the WAV file differ at byte {at}"


def main():
    mode, pcm, wav, rate = sys.argv[1:]
    if mode not in ("exact", "then-silence", "without"):
        sys.exit(64)
    try:
        with open(pcm, "rb") as file:
            text = difference(mode, file.read(), samples_of(wav, int(rate)))
    except (OSError, ValueError, struct.error) as error:
        text = str(error)
    if text:
        print(text, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
