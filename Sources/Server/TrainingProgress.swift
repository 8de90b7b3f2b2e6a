// What a run has reached, for people: losses and speed.

/// Losses and speed of a run. Nothing here flows back into the weights.
struct TrainingProgress {
    /// Nats a token of the last step.
    private(set) var loss: Double = .nan
    /// An exponential mean of the losses over about 50 steps.
    private(set) var smoothedLoss: Double = .nan
    /// Nats a token on the validation data, last and best.
    private(set) var validationLoss: Double?
    private(set) var bestValidationLoss: Double?
    private(set) var bestStep = 0
    private(set) var gradientNorm: Double = .nan
    private(set) var tokens = 0
    private var recent: [(time: Double, tokens: Int, steps: Double)] = []

    /// A step, or the `part` of one that an update without common steps is, was applied at `now`.
    mutating func noteStep(loss: Double, tokens: Int, part: Double, gradientNorm: Double, now: Double) {
        self.loss = loss
        self.gradientNorm = gradientNorm
        smoothedLoss = smoothedLoss.isNaN ? loss : smoothedLoss + (loss - smoothedLoss) * part / 50
        self.tokens += tokens
        let last = recent.last
        recent.append((now, (last?.tokens ?? 0) + tokens, (last?.steps ?? 0) + part))
        if recent.count > 400 { recent.removeFirst(200) }
    }

    /// The validation loss of a version; returns whether it is the best so far.
    mutating func noteValidation(loss: Double, version: Int, isSound: Bool = true) -> Bool {
        validationLoss = loss
        guard isSound, loss < bestValidationLoss ?? .infinity else { return false }
        bestValidationLoss = loss
        bestStep = version
        return true
    }

    /// Takes back what a checkpoint held.
    mutating func restore(smoothedLoss: Double?, validationLoss: Double?, best: Double?, bestStep: Int) {
        self.smoothedLoss = smoothedLoss ?? .nan
        loss = self.smoothedLoss
        self.validationLoss = validationLoss
        bestValidationLoss = best
        self.bestStep = bestStep
    }

    /// When the last step was applied; `nil` before the first.
    var lastStepAt: Double? { recent.last?.time }

    /// Tokens and steps a second over about the last ten seconds.
    func speed(now: Double) -> (tokensPerSecond: Double, stepsPerSecond: Double) {
        guard let last = recent.last, let first = recent.first(where: { $0.time >= last.time - 10 }),
            last.time > first.time
        else { return (0, 0) }
        let seconds = last.time - first.time
        return (Double(last.tokens - first.tokens) / seconds, (last.steps - first.steps) / seconds)
    }
}
