"""Prints what NeuralDetectorTests.limits expects: the script's scores of the same stream, every sixth from frame 300 on.

To be run again, and its output put into the test, whenever the network has been trained anew. Says on standard error by
how much the scores would differ if the features had no limits: were it little, the test would see nothing.
"""

import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../../Sources/AudioDSP/VoiceActivity/Training'))
sys.dont_write_bytecode = True

import network  # noqa: E402


def stream():
    """Silence, then noise and sawtooths at full scale in turn."""
    whole = [0] * 48000
    state = 1
    for burst in range(8):
        for i in range(3200):
            if burst % 2 == 0:
                state = (state * 1664525 + 1013904223) % 2**32
                whole.append((state >> 16) - 32768)
            else:
                period = 100 + 7 * burst
                whole.append(i % period * 65534 // period - 32767)
        whole += [0] * 1600
    return np.array(whole, np.float32) / 32768


def main():
    weights = network.committed()
    features = network.measured(stream())
    picked = network.scores(weights, features)[300::6]
    line = '   '
    for score in picked:
        text = f' {score:.4f},'
        if len(line) + len(text) > 119:
            print(line)
            line = '   '
        line += text
    print(line)
    unlimited = dict(weights, least=np.full_like(weights['least'], -1e9), greatest=np.full_like(weights['greatest'], 1e9))
    differences = np.abs(network.scores(unlimited, features)[300::6] - picked)
    print(f'without limits: up to {differences.max():.3f}, {(differences > 0.02).sum()} above 0.02', file=sys.stderr)


if __name__ == '__main__':
    main()
