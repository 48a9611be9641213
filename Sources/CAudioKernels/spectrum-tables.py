#!/usr/bin/env python3
"""Writes the twiddle factors of the power spectrum kernel as C.

  spectrum-tables.py > spectrum_tables.c        write the file
  spectrum-tables.py --check spectrum_tables.c  compare; exit 1 when it differs

Angles are reduced to the first eighth of a turn, so that factors that ought to be equal, 0 or 1 are so to the last bit.
"""
import math
import sys
from fractions import Fraction


def cosine_and_sine(turns):
    """Of a fraction of a turn, each within an ulp of a double."""
    turns %= 1
    if turns > Fraction(1, 2):
        c, s = cosine_and_sine(1 - turns)
        return c, -s
    if turns > Fraction(1, 4):
        c, s = cosine_and_sine(Fraction(1, 2) - turns)
        return -c, s
    if turns > Fraction(1, 8):
        c, s = cosine_and_sine(Fraction(1, 4) - turns)
        return s, c
    angle = 2 * math.pi * turns.numerator / turns.denominator
    return math.cos(angle), math.sin(angle)


def text(values, indent):
    """C literals of nine digits, which tell floats apart, in lines of at most 120 columns."""
    lines, line = [], ""
    for value in values:
        literal = f"{value + 0.0:.9g}"
        literal += ("" if "." in literal or "e" in literal else ".0") + "f,"
        if len(indent) + len(line) + 1 + len(literal) > 120:
            lines.append(line)
            line = ""
        line += (" " if line else "") + literal
    return "\n".join(indent + l for l in lines + [line]) + "\n"


def tables():
    out = "// Twiddle factors of the power spectrum. Written by spectrum-tables.py.\n\n"
    out += '#include "spectrum_tables.h"\n\n'
    # In the order that ak_transform wants.
    twiddles = []
    for size, repeated in ((256, 1), (64, 4)):
        for output in (1, 2, 3):
            factors = [cosine_and_sine(Fraction(output * (r // repeated), size)) for r in range(64)]
            twiddles += [c for c, _ in factors] + [-s for _, s in factors]
    for p in range(4):
        for output in (1, 2, 3):
            c, s = cosine_and_sine(Fraction(output * p, 16))
            twiddles += [c, -s]
    out += f"_Alignas(64) const float ak_spectrum_twiddles[{len(twiddles)}] = {{\n" + text(twiddles, " " * 4)
    out += "};\n\n_Alignas(64) const float ak_spectrum_untangling[256] = {\n"
    factors = [cosine_and_sine(Fraction(k, 512)) for k in range(1, 129)]
    out += text([-s for _, s in factors] + [-c for c, _ in factors], " " * 4) + "};\n"
    return out


if sys.argv[1:] == []:
    sys.stdout.write(tables())
elif len(sys.argv) == 3 and sys.argv[1] == "--check":
    with open(sys.argv[2]) as file:
        if file.read() != tables():
            sys.exit("spectrum-tables.py: the tables are not those that it writes")
else:
    sys.exit(__doc__)
