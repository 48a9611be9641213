"""Trains NeuralDetector's network on the tapes of mixes.py.

  train.py TAPES OUT.npz [--steps 11000] [--seed 1]

TAPES has been measured by features.py. A lane of the batch is an endless stream: tape after tape, its recurrent state
carried along and now and then lost, so that the network is as good on a stream that is never reset as at its start.
Gradients go back through the frames of a step. What is validated and saved is a moving average of the weights, every
`--every` steps and after the last one, over what was saved before: the last average is kept, not the one that did best
on the valid tapes. `--check` compares the gradients with finite differences.
"""

import argparse
import glob
import os
import time

import numba
import numpy as np

from network import BEFORE, BEHIND, LIMIT, MATRICES, SEEN, TAPS

F32 = np.float32


def initial(rng, inputs, first, hidden):
    dense = lambda rows, columns: (rng.standard_normal((rows, columns)) / np.sqrt(columns)).astype(F32)
    return {
        'first': dense(first, TAPS * inputs), 'first_bias': np.zeros(first, F32),
        'input': dense(3 * hidden, first), 'input_bias': np.zeros(3 * hidden, F32),
        'state': dense(3 * hidden, hidden), 'state_bias': np.zeros(3 * hidden, F32),
        'last': dense(1, hidden), 'last_bias': np.zeros(1, F32),
    }


@numba.njit(cache=True, fastmath=True)
def gates_backward(change, before, state_new, reset, update, new, gate_change, state_change):
    """Turns the gradient of the state behind into the part of the one before that needs no matrix."""
    lanes, hidden = before.shape
    for i in range(lanes):
        for j in range(hidden):
            r, u, n = reset[i, j], update[i, j], new[i, j]
            d = change[i, j]
            new_change = d * (F32(1) - u) * (F32(1) - n * n)
            update_change = d * (before[i, j] - n) * u * (F32(1) - u)
            reset_change = new_change * state_new[i, j] * r * (F32(1) - r)
            gate_change[i, j] = reset_change
            gate_change[i, hidden + j] = update_change
            gate_change[i, 2 * hidden + j] = new_change
            state_change[i, j] = reset_change
            state_change[i, hidden + j] = update_change
            state_change[i, 2 * hidden + j] = new_change * r
            change[i, j] = d * u


class Network:
    """The network over `frames` frames of `lanes` streams at once, forward and backward. Arrays lie [frame][lane]."""

    def __init__(self, w, lanes, frames):
        self.frames, self.lanes = frames, lanes
        hidden = w['state'].shape[1]
        zeros = lambda *shape: np.zeros(shape, F32)
        self.states = zeros(frames + 1, lanes, hidden)
        self.state_gates = zeros(frames, lanes, 3 * hidden)
        self.reset, self.update, self.new = (zeros(frames, lanes, hidden) for _ in range(3))
        self.gate_change, self.state_change = zeros(frames, lanes, 3 * hidden), zeros(frames, lanes, 3 * hidden)

    def forward(self, w, x, state):
        """[frames + TAPS - 1][lanes][inputs] to logits [frames][lanes]."""
        frames, lanes, hidden = self.frames, self.lanes, w['state'].shape[1]
        self.taps = np.concatenate([x[i:i + frames] for i in range(TAPS)], axis=2).reshape(frames * lanes, -1)
        self.first = np.maximum(self.taps @ w['first'].T + w['first_bias'], 0)
        gates = (self.first @ w['input'].T + w['input_bias']).reshape(frames, lanes, -1)
        self.states[0] = state
        transposed = np.ascontiguousarray(w['state'].T)
        for t in range(frames):
            np.matmul(self.states[t], transposed, out=self.state_gates[t])
            self.state_gates[t] += w['state_bias']
            both = gates[t, :, :2 * hidden] + self.state_gates[t, :, :2 * hidden]
            np.negative(both, out=both)
            np.exp(both, out=both)
            both += 1
            np.reciprocal(both, out=both)
            self.reset[t], self.update[t] = both[:, :hidden], both[:, hidden:]
            np.multiply(self.reset[t], self.state_gates[t, :, 2 * hidden:], out=self.new[t])
            self.new[t] += gates[t, :, 2 * hidden:]
            np.tanh(self.new[t], out=self.new[t])
            np.subtract(self.states[t], self.new[t], out=self.states[t + 1])
            self.states[t + 1] *= self.update[t]
            self.states[t + 1] += self.new[t]
        return self.states[1:] @ w['last'][0] + w['last_bias'][0]

    def backward(self, w, change):
        """The gradients, of those of the logits."""
        frames, lanes, hidden = self.frames, self.lanes, w['state'].shape[1]
        g = {}
        g['last'] = np.einsum('tl,tlh->h', change, self.states[1:])[None]
        g['last_bias'] = change.sum(keepdims=True)[0]
        behind = np.zeros((lanes, hidden), F32)
        for t in range(frames - 1, -1, -1):
            behind += change[t][:, None] * w['last'][0]
            gates_backward(behind, self.states[t], self.state_gates[t, :, 2 * hidden:], self.reset[t], self.update[t],
                           self.new[t], self.gate_change[t], self.state_change[t])
            behind += self.state_change[t] @ w['state']
        flat = lambda a: a.reshape(frames * lanes, -1)
        state_change, gate_change = flat(self.state_change), flat(self.gate_change)
        g['state'] = state_change.T @ flat(self.states[:-1])
        g['state_bias'] = state_change.sum(0)
        g['input'] = gate_change.T @ self.first
        g['input_bias'] = gate_change.sum(0)
        first_change = (gate_change @ w['input']) * (self.first > 0)
        g['first'] = first_change.T @ self.taps
        g['first_bias'] = first_change.sum(0)
        return g


def loss(y, labels):
    """The mean cross entropy over the frames that are asked for, and its gradient."""
    asked = labels != 2
    # Not quite 0 and 1: labels err, and nothing is gained by more certainty.
    target = np.where(labels == 1, F32(0.99), F32(0.01))
    count = max(1, int(asked.sum()))
    each = np.maximum(y, 0) - y * target + np.log1p(np.exp(-np.abs(y)))
    change = (1 / (1 + np.exp(-y)) - target) * asked / F32(count)
    return float((each * asked).sum() / count), change.astype(F32)


class Adam:
    """D. Kingma, J. Ba, "Adam", 2015, with decoupled decay of the matrices and a limit to the gradient's norm."""

    def __init__(self, w, decay=1e-3, limit=1.0):
        self.first = {k: np.zeros_like(v) for k, v in w.items()}
        self.second = {k: np.zeros_like(v) for k, v in w.items()}
        self.decay, self.limit, self.count = decay, limit, 0

    def step(self, w, g, rate):
        self.count += 1
        norm = np.sqrt(sum(float(np.vdot(v, v)) for v in g.values()))
        scale = min(1.0, self.limit / (norm + 1e-9))
        for k in w:
            d = g[k] * F32(scale)
            self.first[k] += F32(0.1) * (d - self.first[k])
            self.second[k] += F32(0.001) * (d * d - self.second[k])
            mean = self.first[k] / (1 - 0.9 ** self.count)
            spread = np.sqrt(self.second[k] / (1 - 0.999 ** self.count)) + 1e-8
            if w[k].ndim == 2:
                w[k] *= F32(1 - rate * self.decay)
            w[k] -= (rate * mean / spread).astype(F32)


def auc(scores, labels):
    keep = labels != 2
    scores, labels = scores[keep], labels[keep] == 1
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind='stable')] = np.arange(1, len(scores) + 1)
    good = labels.sum()
    return (ranks[labels].sum() - good * (good + 1) / 2) / (good * (len(labels) - good))


def load(folder, split, most=None):
    names = sorted(glob.glob(os.path.join(folder, f'{split}-*.u8')))[:most]
    return [np.load(name[:-3] + '.npy')[:, SEEN] for name in names], [np.fromfile(name, np.uint8) for name in names]


def check():
    rng = np.random.default_rng(1)
    w = {k: v.astype(np.float64) for k, v in initial(rng, 5, 16, 16).items()}
    w = {k: (v + 0.1 * rng.standard_normal(v.shape)).astype(F32) for k, v in w.items()}
    x, state = rng.standard_normal((7 + TAPS - 1, 3, 5)).astype(F32), rng.standard_normal((3, 16)).astype(F32)
    labels = rng.integers(0, 3, (7, 3))
    network = Network(w, 3, 7)
    g = network.backward(w, loss(network.forward(w, x, state), labels)[1])
    for k in w:
        for _ in range(5):
            place = tuple(rng.integers(n) for n in w[k].shape)
            kept, values = w[k][place], []
            for step in (1e-2, -1e-2):
                w[k][place] = kept + F32(step)
                values.append(loss(network.forward(w, x, state), labels)[0])
            w[k][place] = kept
            slope = (values[0] - values[1]) / 2e-2
            assert abs(slope - g[k][place]) < 2e-3 + 0.02 * abs(slope), (k, place, slope, g[k][place])
    print('gradients agree')


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('tapes', nargs='?')
    arguments.add_argument('out', nargs='?')
    arguments.add_argument('--steps', type=int, default=11000)
    arguments.add_argument('--lanes', type=int, default=128)
    arguments.add_argument('--frames', type=int, default=200)
    arguments.add_argument('--first', type=int, default=48)
    arguments.add_argument('--hidden', type=int, default=48)
    arguments.add_argument('--rate', type=float, default=3e-3)
    arguments.add_argument('--seed', type=int, default=1)
    arguments.add_argument('--most', type=int, default=None)
    arguments.add_argument('--every', type=int, default=500)
    arguments.add_argument('--start')
    arguments.add_argument('--check', action='store_true')
    o = arguments.parse_args()
    if o.check:
        return check()
    if not o.out:
        arguments.error('TAPES and OUT.npz are needed')
    rng = np.random.default_rng(o.seed)

    xs, ys = load(o.tapes, 'train', o.most)
    vx, vy = load(o.tapes, 'valid')
    saved = np.load(o.start) if o.start else None
    if saved:
        mean, scale = saved['mean'], saved['scale']
        w = {k: saved[k].astype(F32) for k in MATRICES}
    else:
        sample = np.concatenate([x[::50] for x in xs]).astype(F32)
        mean, scale = sample.mean(0), 1 / (sample.std(0) + F32(1e-3))
        w = initial(rng, len(SEEN), o.first, o.hidden)
    standard = lambda x: np.clip((x.astype(F32) - mean) * scale, -LIMIT, LIMIT)
    for x in xs:
        x[:] = standard(x)
    print(f'{len(xs)} tapes, {len(vx)} valid, {sum(v.size for v in w.values())} weights', flush=True)
    hidden = w['state'].shape[1]

    before, behind = (np.zeros((n, len(SEEN)), np.float16) for n in (BEFORE, BEHIND))
    valid = np.stack([standard(np.concatenate([before, x, behind])) for x in vx], axis=1)
    truth = np.stack(vy, axis=1)
    length = 1000
    validator = Network(w, len(vx), length)

    def validate(w):
        state, scores = np.zeros((len(vx), hidden), F32), []
        for a in range(0, len(truth), length):
            scores.append(validator.forward(w, valid[a:a + length + TAPS - 1], state))
            state = validator.states[-1]
        scores = np.concatenate(scores)
        return auc(scores.ravel(), truth.ravel()), (scores[truth == 0] > 0).mean(), (scores[truth == 1] <= 0).mean()

    network, optimizer = Network(w, o.lanes, o.frames), Adam(w)
    average = {k: v.copy() for k, v in w.items()}
    lanes = [(int(rng.integers(len(xs))), int(rng.integers(50000))) for _ in range(o.lanes)]
    state = np.zeros((o.lanes, hidden), F32)
    width = o.frames + TAPS - 1
    x = np.empty((width, o.lanes, len(SEEN)), F32)
    y = np.empty((o.frames, o.lanes), np.uint8)
    began, running = time.time(), None
    for number in range(1, o.steps + 1):
        for i, (tape, at) in enumerate(lanes):
            if at + width > len(xs[tape]):
                tape, at = int(rng.integers(len(xs))), int(rng.integers(o.frames))
                if rng.random() < 0.5:
                    state[i] = 0
            x[:, i] = xs[tape][at:at + width]
            y[:, i] = ys[tape][at + BEFORE:at + BEFORE + o.frames]
            lanes[i] = (tape, at + o.frames)
        found, change = loss(network.forward(w, x, state), y)
        state = network.states[-1].copy()
        warm, part = min(1, number / 300), number / o.steps
        rate = o.rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * part)))
        optimizer.step(w, network.backward(w, change), rate)
        for k in w:
            average[k] += F32(0.002) * (w[k] - average[k])
        running = found if running is None else running + 0.01 * (found - running)
        if number % o.every == 0 or number == o.steps:
            area, alarms, misses = validate(average)
            print(f'{number} {time.time() - began:.0f} s loss {running:.4f} valid AUC {area:.4f} FA {alarms:.3f} '
                  f'Miss {misses:.3f}', flush=True)
            np.savez(o.out, mean=mean, scale=scale, **average)


if __name__ == '__main__':
    main()
