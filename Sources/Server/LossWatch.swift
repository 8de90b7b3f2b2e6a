// Tells a loss that has exploded from one that is merely noisy.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Watches the losses of a run's steps.
///
/// A model that knows nothing and gives every symbol the same probability loses ln(symbols) nats a token: what each run
/// begins with. A sound loss is never far above that for long, however noisy it is. One above twice that and two nats
/// more is not sound, and once the mean of the last ten is above, the loss has exploded: the weights are worse than
/// none. A single loss counts for at most ten times the limit, so that a jump is seen at once and forgotten after some
/// thirty sound steps.
struct LossWatch {
    /// Nats a token of a model that knows nothing.
    let guessing: Double
    private var mean: Double?
    private static let meanSteps = 10.0
    private static let limitsMax = 10.0

    /// A watch over losses on a vocabulary of so many symbols.
    init(symbols: Int) { guessing = log(Double(max(2, symbols))) }

    /// The largest sound loss.
    var limit: Double { 2 * guessing + 2 }

    /// Whether the weights are worse than none.
    var hasExploded: Bool { mean.map { $0 > limit } ?? false }

    /// Whether a loss by itself gives no reason for doubt.
    func isSound(_ loss: Double) -> Bool { loss.isFinite && loss <= limit }

    /// A step, or the `part` of one that an update without common steps is, had this loss.
    mutating func note(_ loss: Double, part: Double = 1) {
        let largest = Self.limitsMax * limit
        let value = loss.isFinite ? min(loss, largest) : largest
        mean = mean.map { $0 + (value - $0) * part / Self.meanSteps } ?? value
    }

    /// A checkpoint was taken up whose losses had this mean.
    mutating func restore(_ smoothedLoss: Double?) {
        mean = smoothedLoss.map { min($0.isFinite ? $0 : .infinity, Self.limitsMax * limit) }
    }
}
