// A sum whose terms come piece by piece.

/// The sum of numbers that come piece by piece, with the bits of ``Matrix/sum`` over all of them at once.
///
///     var sum = RunningSum()
///     for piece in pieces { sum.add(piece) }
///     sum.value       // as the kernels sum: number i goes to partial sum i mod 16, partial sums are added pairwise
public struct RunningSum: Sendable, Equatable {
    private var partials = SIMD16<Double>(repeating: 0)
    /// How many numbers there were.
    public private(set) var count = 0

    /// The sum of no numbers.
    public init() {}

    /// Adds the next numbers, in their order.
    @specialized(where Scalar == Float)
    public mutating func add<Scalar: KernelScalar>(_ numbers: Matrix<Scalar>) {
        precondition(numbers.isContiguous, "a sum runs over memory without gaps")
        for index in 0..<numbers.count { partials[(count &+ index) & 15] += Double(numbers.base[index]) }
        count += numbers.count
    }

    /// The sum of all numbers so far.
    public var value: Double {
        let eight = partials.lowHalf + partials.highHalf
        let four = eight.lowHalf + eight.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }
}
