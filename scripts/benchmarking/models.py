"""The models that are measured, and random corpora that give them exactly their vocabulary."""

import dataclasses
import os
import random

SEED = 1


@dataclasses.dataclass(frozen=True)
class Model:
    """A language model of LSTM layers, and a global batch of `batch` lanes of `sequence` tokens."""

    name: str
    tokenizer: str
    layers: int
    hidden: int
    embedding: int
    vocabulary: int
    batch: int
    sequence: int

    @property
    def title(self):
        kind = {"characters": "char", "words": "word"}[self.tokenizer]
        return f"{kind} LSTM {self.layers}×{self.hidden}, batch {self.batch}×{self.sequence}"

    @property
    def tokens_per_step(self):
        return self.batch * self.sequence

    @property
    def operations_per_token(self):
        """Floating-point operations by the usual count: 6 for each weight of a product, 2 forward and 4 backward."""
        return 6 * (self._layer_weights + self.hidden * self.vocabulary)

    @property
    def parameters(self):
        """All of them: embedding, layers with two biases each, output layer with one."""
        biases = self.layers * 8 * self.hidden
        return (self.vocabulary * self.embedding + self._layer_weights + biases
                + (self.hidden + 1) * self.vocabulary)

    @property
    def _layer_weights(self):
        inputs = [self.embedding] + [self.hidden] * (self.layers - 1)
        return sum(4 * self.hidden * (size + self.hidden) for size in inputs)

    @property
    def benchmark_name(self):
        """What StepBenchmark calls it."""
        return (f"lstm {self.layers}x{self.hidden} emb {self.embedding} vocabulary {self.vocabulary} "
                f"batch {self.batch}x{self.sequence}")

    def configuration(self, corpus, precision=None):
        """A run of this model that neither validates nor writes checkpoints before it is stopped."""
        rest = "adam: {rate: 0.002}, clip: 5.0" + (f", precision: {precision}" if precision else "")
        return f"""task: language-model
data: {{train: "{corpus}", validation: 0, tokenizer: {self.tokenizer}}}
model: {{cell: lstm, layers: {self.layers}, hidden: {self.hidden}, embedding: {self.embedding}}}
training: {{epochs: 1000000, batch: {self.batch}, sequence: {self.sequence}, {rest}}}
checkpoints: {{every: 1000000000}}
"""


MODELS = [
    Model("char-2x512", "characters", 2, 512, 128, 65, 64, 64),
    Model("word-2x650", "words", 2, 650, 650, 10_000, 20, 35),
    Model("char-2x128", "characters", 2, 128, 64, 65, 50, 50),
]


def write_corpus(model, folder):
    """A text of random symbols, always the same one; made once. Returns its path."""
    path = os.path.join(folder, f"{model.tokenizer}-{model.vocabulary}.txt")
    if os.path.exists(path):
        return path
    numbers = random.Random(SEED)
    if model.tokenizer == "characters":
        symbols, separator, count = [chr(33 + place) for place in range(model.vocabulary)], "", 4_000_000
    else:
        # Rondo adds <unk> and <eos> to the words.
        symbols, separator, count = [f"w{place}" for place in range(model.vocabulary - 2)], " ", 1_000_000
    drawn = symbols + numbers.choices(symbols, k=count - len(symbols))
    numbers.shuffle(drawn)
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(separator.join(drawn))
    os.replace(path + ".part", path)
    return path
