"""How fast PyTorch trains a language model of LSTM layers on the CPU: one line of JSON.

With --processes 1 a plain training loop on --threads threads; with more, distributed data parallel over gloo, every
process on --threads threads with its share of the batch. A step is forward, loss, backward, clipping and Adam, with
hidden state carried from step to step. The tokens are random; drawing them is not measured.
"""

import argparse
import json
import os
import socket
import statistics
import time

import torch
from torch import nn

WARM_UP_STEPS = 3


class LanguageModel(nn.Module):
    """Embedding, LSTM layers, linear output. tokens [time, batch] -> logits [time, batch, vocabulary], state"""

    def __init__(self, options):
        super().__init__()
        self.embedding = nn.Embedding(options.vocabulary, options.embedding)
        self.recurrent = nn.LSTM(options.embedding, options.hidden, options.layers)
        self.output = nn.Linear(options.hidden, options.vocabulary)

    def forward(self, tokens, state):
        features, state = self.recurrent(self.embedding(tokens), state)
        return self.output(features), state


def train(rank, options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    model = LanguageModel(options)
    lanes = options.batch // options.processes
    if options.processes > 1:
        torch.distributed.init_process_group("gloo", rank=rank, world_size=options.processes)
        model = nn.parallel.DistributedDataParallel(model)
    adam = torch.optim.Adam(model.parameters(), 0.002)
    cross_entropy = nn.CrossEntropyLoss()
    state, times = None, []
    started = time.perf_counter()
    for number in range(WARM_UP_STEPS + options.steps):
        # Several processes must agree on the number of steps; one may stop when it likes.
        if options.processes == 1 and number >= 2 * WARM_UP_STEPS:
            if time.perf_counter() - started > options.seconds_max:
                break
        tokens = torch.randint(options.vocabulary, (options.sequence + 1, lanes))
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bfloat16"):
            logits, state = model(tokens[:-1], state)
            loss = cross_entropy(logits.flatten(0, 1), tokens[1:].flatten())
        state = tuple(part.detach() for part in state)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        adam.step()
        times.append(time.perf_counter() - began)
    if rank == 0:
        step = statistics.median(times[WARM_UP_STEPS:])
        tokens = lanes * options.processes * options.sequence
        print(json.dumps({
            "version": torch.__version__, "stepSeconds": step, "tokensPerSecond": tokens / step}), flush=True)
    if options.processes > 1:
        torch.distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["layers", "hidden", "embedding", "vocabulary", "batch", "sequence", "steps"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds-max", type=float, default=float("inf"))
    parser.add_argument("--precision", choices=["single", "bfloat16"], default="single")
    options = parser.parse_args()
    if options.processes == 1:
        return train(0, options)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(listener.getsockname()[1]))
    torch.multiprocessing.spawn(train, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
