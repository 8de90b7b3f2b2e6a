"""How fast MXNet's parameter server (ps-lite over ZeroMQ) trains a language model of LSTM layers: one line of JSON.

Starts a scheduler, a server and the workers on this machine, each on one thread, in mode dist_sync: the workers push
gradients, the server sums them and applies Adam, the workers pull. A step is forward, loss, backward, push and pull,
with hidden state carried from step to step; gradients are not clipped. The tokens are random; drawing them is not
measured. Needs mxnet 1.9.1 and numpy 1.23.5.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

WARM_UP_STEPS = 3


def start_cluster(workers):
    """Runs this script again in each role; ends what does not end with the workers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = dict(
        os.environ, DMLC_PS_ROOT_URI="127.0.0.1", DMLC_PS_ROOT_PORT=str(port), DMLC_NUM_SERVER="1",
        DMLC_NUM_WORKER=str(workers), DMLC_NODE_HOST="127.0.0.1", DMLC_INTERFACE="lo", OMP_NUM_THREADS="1")
    processes = [
        subprocess.Popen([sys.executable, *sys.argv], env=dict(environment, DMLC_ROLE=role))
        for role in ["scheduler", "server"] + ["worker"] * workers
    ]
    codes = [process.wait() for process in processes[2:]]
    for process in processes[:2]:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    return max(codes, key=abs)


def train(options):
    import mxnet
    from mxnet import autograd, gluon, nd

    class LanguageModel(gluon.Block):
        """Embedding, LSTM layers, linear output. tokens [time, batch] -> logits [time, batch, vocabulary], state"""

        def __init__(self):
            super().__init__()
            self.embedding = gluon.nn.Embedding(options.vocabulary, options.embedding)
            self.recurrent = gluon.rnn.LSTM(options.hidden, options.layers, input_size=options.embedding)
            self.output = gluon.nn.Dense(options.vocabulary, flatten=False, in_units=options.hidden)

        def forward(self, tokens, state):
            features, state = self.recurrent(self.embedding(tokens), state)
            return self.output(features), state

    # The server and the scheduler stay in here until the workers are done.
    store = mxnet.kv.create("dist_sync")
    lanes = options.batch // options.workers
    model = LanguageModel()
    model.initialize(mxnet.init.Xavier())
    trainer = gluon.Trainer(
        model.collect_params(), "adam", {"learning_rate": 0.002}, kvstore=store, update_on_kvstore=True)
    cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
    state, times = model.recurrent.begin_state(lanes), []

    def random_tokens():
        return nd.random.randint(0, options.vocabulary, (options.sequence, lanes)).astype("float32")

    for _ in range(WARM_UP_STEPS + options.steps):
        inputs, targets = random_tokens(), random_tokens()
        nd.waitall()
        began = time.perf_counter()
        state = [part.detach() for part in state]
        with autograd.record():
            logits, state = model(inputs, state)
            loss = cross_entropy(logits.reshape((-1, options.vocabulary)), targets.reshape((-1,)))
        loss.backward()
        trainer.step(options.batch * options.sequence)
        nd.waitall()
        times.append(time.perf_counter() - began)
    if store.rank == 0:
        step = statistics.median(times[WARM_UP_STEPS:])
        tokens = lanes * options.workers * options.sequence
        print(json.dumps({
            "version": mxnet.__version__, "stepSeconds": step, "tokensPerSecond": tokens / step}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["layers", "hidden", "embedding", "vocabulary", "batch", "sequence", "steps"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if "DMLC_ROLE" not in os.environ:
        sys.exit(start_cluster(options.workers))
    train(options)


if __name__ == "__main__":
    main()
