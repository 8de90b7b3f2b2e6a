// The weights before the first step.

import Numerics

/// Draws the initial values of parameters as PyTorch distributes them, the same bits on every machine.
///
/// The values of a tensor are a pure function of (seed, tensor's index in the layout, element). They are drawn in
/// single precision for every scalar.
public struct InitialWeights: Sendable {
    private let stream: RandomStream

    /// The initial weights of a run.
    public init(seed: UInt64) { stream = RandomStream(seed: seed, purpose: .initialWeights) }

    /// `count` values, uniform in ±bound: element i from word i mod 4 of block i / 4.
    public func uniform(count: Int, bound: Float, tensor: Int) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(count + 3)
        for block in 0..<(count + 3) / 4 {
            let numbers = stream.uniform(UInt32(block), UInt32(tensor))
            for lane in 0..<4 { values.append((2 * numbers[lane] - 1) * bound) }
        }
        values.removeLast(values.count - count)
        return values
    }

    /// `count` values of the standard normal distribution, by Marsaglia's polar method (Marsaglia and Bray 1964), which
    /// needs no function but root and logarithm. Elements 2k and 2k + 1 come from the blocks (k, tensor + attempt ·
    /// 2¹⁶), each of which holds two candidates, until one lies inside the circle.
    public func normal(count: Int, tensor: Int) -> [Float] {
        precondition(tensor < 65_536, "tensor \(tensor)")
        let pairs = (count + 1) / 2
        var (points, radii): ([SIMD2<Float>], [Float]) = ([], [])
        points.reserveCapacity(pairs)
        radii.reserveCapacity(pairs)
        for pair in 0..<pairs {
            var attempt: UInt32 = 0
            search: while true {
                let numbers = stream.uniform(UInt32(pair), UInt32(tensor) | attempt << 16)
                for candidate in [numbers.lowHalf, numbers.highHalf] {
                    let point = 2 * candidate - 1
                    let radius = point.x * point.x + point.y * point.y
                    if radius > 0 && radius < 1 {
                        points.append(point)
                        radii.append(radius)
                        break search
                    }
                }
                attempt += 1
            }
        }
        var logarithms = radii
        ElementaryFunction.logarithm.apply(to: &logarithms)
        var values: [Float] = []
        values.reserveCapacity(2 * pairs)
        for pair in 0..<pairs {
            let scale = (-2 * logarithms[pair] / radii[pair]).squareRoot()
            values.append(points[pair].x * scale)
            values.append(points[pair].y * scale)
        }
        values.removeLast(values.count - count)
        return values
    }
}
