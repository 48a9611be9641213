"""Trains NeuralDetector's network on the tapes of mixes.py and keeps the weights that are best on the valid ones.

  train.py TAPES OUT.npz [--steps 12000] [--hidden 48] [--seed 1]

TAPES has been measured by features.py.

A lane of the batch is an endless stream: tape after tape, its recurrent state carried along and now and then lost, so
that the network is as good on a stream that is never reset as at its start.
"""

import argparse
import functools
import glob
import os
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import features as front

from network import BEFORE, BEHIND, SEEN, TAPS


def initial(key, inputs, first, hidden):
    keys = jax.random.split(key, 4)
    dense = lambda key, rows, columns, scale=1.0: scale * jax.random.normal(key, (rows, columns)) / np.sqrt(columns)
    return {
        'first': dense(keys[0], first, TAPS * inputs), 'first_bias': jnp.zeros(first),
        'input': dense(keys[1], 3 * hidden, first), 'input_bias': jnp.zeros(3 * hidden),
        'state': dense(keys[2], 3 * hidden, hidden), 'state_bias': jnp.zeros(3 * hidden),
        'last': dense(keys[3], 1, hidden), 'last_bias': jnp.zeros(1),
    }


def logits(w, x, state):
    """[lanes, frames, inputs] and [lanes, hidden] to [lanes, frames - TAPS + 1] and the state behind."""
    count = x.shape[1] - TAPS + 1
    taps = jnp.concatenate([x[:, i:i + count] for i in range(TAPS)], axis=2)
    first = jax.nn.relu(taps @ w['first'].T + w['first_bias'])
    gates = first @ w['input'].T + w['input_bias']

    def step(h, gate):
        reset_in, update_in, new_in = jnp.split(gate, 3, axis=1)
        reset_h, update_h, new_h = jnp.split(h @ w['state'].T + w['state_bias'], 3, axis=1)
        reset = jax.nn.sigmoid(reset_in + reset_h)
        update = jax.nn.sigmoid(update_in + update_h)
        new = jnp.tanh(new_in + reset * new_h)
        h = new + update * (h - new)
        return h, h

    state, hidden = jax.lax.scan(step, state, jnp.swapaxes(gates, 0, 1), unroll=4)
    return jnp.swapaxes(hidden @ w['last'].T + w['last_bias'], 0, 1)[..., 0], state


def losses(w, x, labels, state):
    y, state = logits(w, x, state)
    asked = labels != 2
    target = (labels == 1) * 0.98 + 0.01
    loss = jnp.maximum(y, 0) - y * target + jnp.log1p(jnp.exp(-jnp.abs(y)))
    return jnp.sum(loss * asked) / jnp.maximum(jnp.sum(asked), 1), state


def auc(scores, labels):
    keep = labels != 2
    scores, labels = scores[keep], labels[keep] == 1
    order = np.argsort(scores, kind='stable')
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    good = labels.sum()
    return (ranks[labels].sum() - good * (good + 1) / 2) / (good * (len(labels) - good))


def load(folder, split, most=None):
    xs, ys = [], []
    for name in sorted(glob.glob(os.path.join(folder, f'{split}-*.u8')))[:most]:
        base = name[:-3]
        xs.append(np.load(base + '.npy'))
        ys.append(np.fromfile(name, np.uint8))
    return xs, ys


def padded(x):
    return np.concatenate([np.zeros((BEFORE, x.shape[1]), x.dtype), x, np.zeros((BEHIND, x.shape[1]), x.dtype)])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('tapes')
    arguments.add_argument('out')
    arguments.add_argument('--steps', type=int, default=12000)
    arguments.add_argument('--lanes', type=int, default=64)
    arguments.add_argument('--frames', type=int, default=400)
    arguments.add_argument('--first', type=int, default=48)
    arguments.add_argument('--hidden', type=int, default=48)
    arguments.add_argument('--rate', type=float, default=3e-3)
    arguments.add_argument('--seed', type=int, default=1)
    arguments.add_argument('--most', type=int, default=None)
    arguments.add_argument('--every', type=int, default=1000)
    arguments.add_argument('--start', default=None)
    o = arguments.parse_args()
    rng = np.random.default_rng(o.seed)

    xs, ys = load(o.tapes, 'train', o.most)
    vx, vy = load(o.tapes, 'valid')
    sample = np.concatenate([x[::50] for x in xs]).astype(np.float32)[:, SEEN]
    mean, scale = sample.mean(0), 1 / (sample.std(0) + 1e-3)
    standard = lambda x: np.clip((x[..., SEEN].astype(np.float32) - mean) * scale, -6, 6)
    print(f'{len(xs)} tapes, {len(vx)} valid, inputs {len(SEEN)}', flush=True)

    w = initial(jax.random.key(o.seed), len(SEEN), o.first, o.hidden)
    if o.start:
        saved = np.load(o.start)
        w = {k: jnp.asarray(saved[k]) for k in w}
        mean, scale = saved['mean'], saved['scale']
    print('weights', sum(v.size for v in jax.tree.leaves(w)), flush=True)
    schedule = optax.warmup_cosine_decay_schedule(0, o.rate, min(300, o.steps // 4), o.steps, o.rate * 0.01)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-3))
    slots = optimizer.init(w)
    average = w

    @jax.jit
    def step(w, average, slots, state, x, y):
        (loss, state), gradient = jax.value_and_grad(losses, has_aux=True)(w, x, y, state)
        change, slots = optimizer.update(gradient, slots, w)
        w = optax.apply_updates(w, change)
        average = jax.tree.map(lambda a, b: a + 0.002 * (b - a), average, w)
        return w, average, slots, state, loss

    run = jax.jit(logits)
    valid = np.stack([standard(padded(x)) for x in vx])
    truth = np.stack(vy)

    def validate(w):
        state = jnp.zeros((len(valid), o.hidden))
        scores = []
        for a in range(0, truth.shape[1], 6000):
            y, state = run(w, valid[:, a:a + 6000 + TAPS - 1], state)
            scores.append(np.asarray(y))
        scores = np.concatenate(scores, 1)
        quiet = scores[truth == 0]
        speech = scores[truth == 1]
        return auc(scores.ravel(), truth.ravel()), (quiet > 0).mean(), (speech <= 0).mean()

    lanes = [(int(rng.integers(len(xs))), int(rng.integers(20000))) for _ in range(o.lanes)]
    state = np.zeros((o.lanes, o.hidden), np.float32)
    began, running = time.time(), None
    width = o.frames + TAPS - 1
    x = np.empty((o.lanes, width, len(SEEN)), np.float32)
    y = np.empty((o.lanes, o.frames), np.uint8)
    for number in range(1, o.steps + 1):
        state = np.array(state)
        for i, (tape, at) in enumerate(lanes):
            if at + width > len(xs[tape]):
                tape, at = int(rng.integers(len(xs))), int(rng.integers(o.frames))
                if rng.random() < 0.5:
                    state[i] = 0
            x[i] = standard(xs[tape][at:at + width])
            y[i] = ys[tape][at + BEFORE:at + BEFORE + o.frames]
            lanes[i] = (tape, at + o.frames)
        w, average, slots, state, loss = step(w, average, slots, state, x, y)
        running = float(loss) if running is None else running + 0.01 * (float(loss) - running)
        if number % o.every == 0 or number == o.steps:
            area, alarms, misses = validate(average)
            print(f'{number} {time.time() - began:.0f} s loss {running:.4f} valid AUC {area:.4f} FA {alarms:.3f} Miss {misses:.3f}',
                  flush=True)
            np.savez(o.out, mean=mean, scale=scale, **{k: np.asarray(v) for k, v in average.items()})


if __name__ == '__main__':
    main()
