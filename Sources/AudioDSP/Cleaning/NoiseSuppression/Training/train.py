"""Trains NoiseSuppressor's network on tapes.

  train.py TAPES WEIGHTS.npz [--steps 3600] [--rate 0.003] [--start EARLIER.npz]

Needs PyTorch. One thread: the steps of a recurrent network of this size gain nothing by a second. Prints the loss on the
training and on the validation tapes every hundred steps.
"""

import argparse
import glob
import os
import time

import numpy as np
import torch

import front

LAYER, STATE = 48, 80
BATCH, FRAMES, UNASKED = 32, 320, 40
# How gains are compared: by a power of them, so that what is left of noise in pauses counts, too.
EXPONENT = 0.5
# Where speech loses, an error counts so much more than where noise stays.
LOSS_WEIGHT = 1.15
# Of quiet parts, beside the amplitude to the power of 0.3 of loud ones.
QUIET_WEIGHT = 0.1
# Of the logarithm of noise to signal, which asks for gains of 1 where speech is loud.
RATIO_WEIGHT = 0.05


# The network's names of its weights, and the table's.
NAMES = {
    'first.weight': 'first', 'first.bias': 'first_bias', 'recurrent.weight_ih_l0': 'input',
    'recurrent.bias_ih_l0': 'input_bias', 'recurrent.weight_hh_l0': 'state', 'recurrent.bias_hh_l0': 'state_bias',
    'last.weight': 'last', 'last.bias': 'last_bias', 'mean': 'mean', 'scale': 'scale'}


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(front.FEATURES, LAYER)
        self.recurrent = torch.nn.GRU(LAYER, STATE, batch_first=True)
        self.last = torch.nn.Linear(STATE, front.BANDS)
        self.register_buffer('mean', torch.zeros(front.FEATURES))
        self.register_buffer('scale', torch.ones(front.FEATURES))

    def forward(self, x):
        x = ((x - self.mean) * self.scale).clamp(-6, 6)
        x, _ = self.recurrent(torch.relu(self.first(x)))
        return torch.sigmoid(self.last(x))


def load(path):
    both, speech, noise, left = np.load(path).astype(np.float32)
    rows = front.features(both, left)
    return [x.astype(np.float16) for x in (rows, both, speech, noise, left)]


def loss_of(outputs, both, speech, noise, left):
    speech, noise = torch.exp2(speech), torch.exp2(noise) + 1e-12
    wanted = torch.sqrt(speech / (speech + noise))
    gain = (front.GREATEST_FACTOR * outputs * torch.exp2(((left - both) / 2).clamp(-10, 0))).clamp(1e-3, 1)
    error = gain ** EXPONENT - wanted.clamp_min(1e-2) ** EXPONENT
    weight = torch.where(error < 0, LOSS_WEIGHT, 1.0)
    loudness = torch.exp2(both * 0.15)
    loudness = QUIET_WEIGHT + loudness / loudness.amax(dim=(1, 2), keepdim=True)
    by_ear = (weight * loudness * error * error).mean() / loudness.mean()
    wrong = (speech * (1 - gain) ** 2 + noise * gain ** 2).sum(dim=(1, 2))
    right = speech.sum(dim=(1, 2))
    is_asked = (right > 1e-6).float()
    ratio = (is_asked * torch.log10(wrong / (right + 1e-9) + 3e-4)).sum() / is_asked.sum().clamp_min(1)
    return by_ear + RATIO_WEIGHT * ratio


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('tapes')
    arguments.add_argument('weights')
    arguments.add_argument('--steps', type=int, default=3600)
    arguments.add_argument('--rate', type=float, default=3e-3, help='the greatest learning rate')
    arguments.add_argument('--start', help='weights to go on from')
    options = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    tapes, valid = (
        [load(p) for p in sorted(glob.glob(os.path.join(options.tapes, f'{split}-*.npy')))]
        for split in ('train', 'valid'))
    network = Network()
    sample = np.concatenate([t[0][::37].astype(np.float32) for t in tapes])
    network.mean.copy_(torch.tensor(sample.mean(0)))
    network.scale.copy_(torch.tensor(1 / (sample.std(0) + 1e-3)))
    if options.start:
        saved = np.load(options.start)
        network.load_state_dict({theirs: torch.tensor(saved[ours]) for theirs, ours in NAMES.items()})
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.rate, options.steps, pct_start=0.1)
    losses, start = [], time.time()
    for step in range(1, options.steps + 1):
        cuts = []
        for _ in range(BATCH):
            tape = tapes[rng.integers(len(tapes))]
            first = rng.integers(len(tape[0]) - FRAMES)
            cuts.append([x[first:first + FRAMES] for x in tape])
        rows, *levels = [torch.tensor(np.stack(x)).float() for x in zip(*cuts)]
        outputs = network(rows)
        loss = loss_of(outputs[:, UNASKED:], *[x[:, UNASKED:] for x in levels])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == options.steps:
            with torch.no_grad():
                checked = [[torch.tensor(x[None]).float() for x in t] for t in valid]
                checked = np.mean([loss_of(network(rows), *levels).item() for rows, *levels in checked])
            print(f'{step}: {np.mean(losses):.4f}, valid {checked:.4f}, {time.time() - start:.0f} s', flush=True)
            losses = []
            save(network, options.weights)


def save(network, path):
    with open(path + '.part', 'wb') as file:
        np.savez(file, **{NAMES[k]: v.numpy() for k, v in network.state_dict().items()})
    os.replace(path + '.part', path)


if __name__ == '__main__':
    main()
