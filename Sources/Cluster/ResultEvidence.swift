// What is wrong with a result that cannot be used.

import Numerics

/// Why a worker's result cannot be used. A shard's result is a pure function of weights, data and step: whether the
/// worker or the data is to blame shows when another worker computes the same.
public enum ResultEvidence: Sendable, Hashable {
    /// Losses of shards that no sum can hold: their bits in order, one pattern for all that are no number.
    case losses([UInt64])
    /// A carried state that is not finite.
    case state(shard: Int)
    /// A gradient that is not finite, or beyond what a sum can hold.
    case gradient
    /// The worker says that it cannot compute it.
    case report(String)

    /// The largest magnitude of a shard's loss: the sum over any number of shards is a number.
    static let lossMax = 1e200

    /// What is wrong with the losses of a span; `nil` if they can be summed.
    init?(_ outcomes: [ShardOutcome]) {
        guard outcomes.contains(where: { !($0.loss.magnitude <= Self.lossMax) }) else { return nil }
        self = .losses(outcomes.map { $0.loss.isNaN ? Double.nan.bitPattern : $0.loss.bitPattern })
    }

    /// Whether two workers found the same. Of losses all bits are compared; the others leave none to compare.
    func agrees(with other: ResultEvidence) -> Bool {
        guard case .losses(let left) = self, case .losses(let right) = other else { return true }
        return left == right
    }

    /// What is wrong, for the shards of a span.
    func text(of span: ShardRange) -> String {
        switch self {
        case .losses(let bits):
            let losses = bits.map { Double(bitPattern: $0) }
            let bad = losses.firstIndex { !($0.magnitude <= Self.lossMax) } ?? 0
            return "the loss of shard \(span.lower + bad) is \(losses[bad])"
        case .state(let shard): return "the carried state of shard \(shard) is not finite"
        case .gradient: return "the gradient of \(span.text) is not finite, or too large to be summed"
        case .report(let reason): return "\(span.text) cannot be computed: \(reason)"
        }
    }
}

/// A result that cannot be used, on which those who computed it agree: not a worker is to blame but the data, the
/// learning rate, or clipping.
public struct Divergence: Sendable, Hashable {
    /// The step that cannot be done, counted from 0: so many steps are done.
    public let step: Int
    /// Training or evaluation.
    public let work: Work
    /// The shards.
    public let span: ShardRange
    /// What is wrong with them.
    public let evidence: ResultEvidence
    /// Who computed them, in order; one name where there was nobody else, and it computed them twice.
    public let workers: [String]

    /// "step 18: the loss of shard 3 is nan; computed by worker-1 and worker-2, with no usable result"
    public var description: String {
        let witnesses =
            workers.count > 1
            ? "computed by \(workers.dropLast().joined(separator: ", ")) and \(workers[workers.count - 1]), "
                + "with no usable result"
            : "computed twice by \(workers.first ?? "a worker"), the only one there"
        let place = work == .training ? "step \(step + 1)" : "evaluation after step \(step)"
        return "\(place): \(evidence.text(of: span)); \(witnesses)"
    }
}

extension ShardRange {
    /// "shard 3" or "shards 0..<4"
    var text: String { count == 1 ? "shard \(lower)" : "shards \(lower)..<\(upper)" }
}
