// Checkpoints that are too new to let older ones go.

/// The newest checkpoints, until training has gone well with their weights for some steps.
///
/// What a step's loss is was decided by the weights before it. So whether the weights of a checkpoint are sound shows
/// only in the steps that follow; until then the checkpoint displaces no other, and if the loss explodes it is
/// withdrawn.
struct Probation {
    private struct Entry {
        var step: Int
        var soundLosses = 0
    }

    private var entries: [Entry] = []
    /// Sound losses that are asked for.
    private let lossesNeeded: Int
    private static let lossesNeededMax = 10

    /// - Parameter every: the steps between checkpoints; where they are fewer than ten, as many sound losses do.
    init(every: Int) { lossesNeeded = max(1, min(every, Self.lossesNeededMax)) }

    /// Whether there is none.
    var isEmpty: Bool { entries.isEmpty }

    /// The steps of the checkpoints, ascending.
    var steps: [Int] { entries.map(\.step) }

    /// A checkpoint was written, or taken up.
    mutating func begin(_ step: Int) {
        entries.removeAll { $0.step >= step }
        entries.append(Entry(step: step))
    }

    /// A step with these weights, or later ones, had a sound loss.
    ///
    /// - Returns: Whether a checkpoint has proven itself.
    mutating func noteSound() -> Bool {
        let count = entries.count
        for index in entries.indices { entries[index].soundLosses += 1 }
        entries.removeAll { $0.soundLosses >= lossesNeeded }
        return entries.count < count
    }

    /// A loss gave reason for doubt: what has not proven itself begins again.
    mutating func noteDoubt() { for index in entries.indices { entries[index].soundLosses = 0 } }

    /// All up to this step have proven themselves: its weights were evaluated, or they led to sound losses to the end.
    mutating func endAll(upTo step: Int) { entries.removeAll { $0.step <= step } }

    /// A checkpoint is no more.
    mutating func forget(_ step: Int) { entries.removeAll { $0.step == step } }
}
