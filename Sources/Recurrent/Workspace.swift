// Scratch memory that the layers of a network share.

import Numerics

/// Packed operands and sums that no layer needs after its turn, and the clock of the phases.
public struct Workspace<Scalar: KernelScalar>: ~Copyable {
    /// What the operands of all products are rounded to.
    public let precision: Precision
    /// The rows of a product with weights.
    var left: PackedLeft<Scalar>
    /// Output gradients of weight gradients, one operand a shard and block of columns.
    var lefts = OwnedArray<PackedLeft<Scalar>>()
    /// Inputs of weight gradients, one operand a shard and tensor.
    var rights = OwnedArray<PackedRight<Scalar>>()
    /// `[nodes, out]`: the gradient of a bias.
    var biasSums = GrowingBuffer<Scalar>()
    /// Sums over shards.
    var sums: TreeSum<Scalar>
    /// Where the time goes.
    public var clock = PhaseClock()

    /// Empty scratch memory for layers of this precision.
    public init(precision: Precision = .single) {
        self.precision = precision
        left = PackedLeft(precision: precision)
        sums = TreeSum(precision: precision)
    }

    /// Rows that are packed and multiplied at a time: 256 rows of 512 fill half of a 1 MiB second-level cache.
    static var rowsPerBlock: Int { 256 }
}

/// The kinds of work in a step.
public enum StepPhase: Int, Sendable, CaseIterable {
    case other, packingWeights, packingRows, inputProduct, recurrentProduct, gates, output, loss, weightGradients
    case embedding, dropout
}

/// Counts how long each phase takes; costs nothing without a source of time.
public struct PhaseClock: Sendable {
    /// Nanoseconds of any monotonic clock; `nil` stops the counting.
    public var now: (@Sendable () -> UInt64)?
    /// Nanoseconds spent in each phase.
    public private(set) var nanoseconds = [UInt64](repeating: 0, count: StepPhase.allCases.count)
    private var phase = StepPhase.other
    private var since: UInt64 = 0

    /// A clock that stands still.
    public init() {}

    /// From now on time counts for `next`; the time until now for the phase before.
    public mutating func enter(_ next: StepPhase) {
        guard let now else { return }
        let time = now()
        if since > 0 { nanoseconds[phase.rawValue] += time - since }
        (phase, since) = (next, time)
    }

    /// Sets all counts to zero.
    public mutating func reset() { for phase in StepPhase.allCases { nanoseconds[phase.rawValue] = 0 } }
}
