// exp, log, tanh and the sigmoid: bits against the reference, error against double precision, and the special values.

import CKernels
import Foundation
import Testing

/// One of the four functions with its kernel, its reference to the last bit, and its value in double precision.
struct ElementaryFunction: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let kernel: @Sendable (RondoKernelsFloat, [Float]) -> [Float]
    let reference: @Sendable (Float) -> Float
    let exact: @Sendable (Double) -> Double
    /// Where the error is measured.
    let usefulRange: ClosedRange<Float>
    let errorMax: Double

    static let all = [
        ElementaryFunction(
            testDescription: "exp", kernel: { kernels, x in apply(kernels.exponential, x) },
            reference: referenceExponential, exact: { exp($0) }, usefulRange: -104...88.8, errorMax: 1.03),
        ElementaryFunction(
            testDescription: "log", kernel: { kernels, x in apply(kernels.logarithm, x) },
            reference: referenceLogarithm, exact: { log($0) }, usefulRange: 0...Float.greatestFiniteMagnitude,
            errorMax: 0.83),
        ElementaryFunction(
            testDescription: "tanh", kernel: { kernels, x in apply(kernels.tangentHyperbolic, x) },
            reference: referenceTangentHyperbolic, exact: { tanh($0) },
            usefulRange: -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude, errorMax: 1.35),
        ElementaryFunction(
            testDescription: "sigmoid", kernel: { kernels, x in apply(kernels.sigmoid, x) },
            reference: referenceSigmoid, exact: { 1 / (1 + exp(-$0)) },
            usefulRange: -88...Float.greatestFiniteMagnitude, errorMax: 1.95),
    ]

    private static func apply(
        _ kernel: @convention(c) (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void, _ x: [Float]
    ) -> [Float] {
        var y = x
        y.withUnsafeMutableBufferPointer { kernel(x.count, UnsafePointer($0.baseAddress!), $0.baseAddress!) }
        return y
    }
}

@Suite("Elementary functions")
struct ElementaryFunctionTests {
    @Test(
        "every set gives the reference's bits for all kinds of floats, NaN for NaN",
        arguments: ElementaryFunction.all, KernelSet.all)
    func bits(function: ElementaryFunction, set: KernelSet) {
        let seed = seeds(1)[0]
        var generator = SeededGenerator(seed: seed)
        var x: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity, .nan, 0.55, -0.55, 88, -88, 88.8, -104]
        x += [.leastNormalMagnitude, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        x += (0..<20_000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &generator)) }
        x += generator.floats(20_000, in: -20...20)
        x += generator.floats(5_003, in: -110...110)
        expectSameBits(function.kernel(set.kernels, x), x.map(function.reference), "\(function)", set, seed: seed)
    }

    @Test(
        "the error stays below two units in the last place over the useful range", arguments: ElementaryFunction.all)
    func error(function: ElementaryFunction) {
        // Every 997th float of each sign; the sets agree to the last bit, so the fastest one speaks for all.
        let kernels = KernelSet.all[0].kernels
        var worst = 0.0, worstAt: Float = 0
        for sign: UInt32 in [0, 0x8000_0000] {
            let x = stride(from: UInt32(0), to: 0x7F80_0000, by: 997).map { Float(bitPattern: $0 | sign) }
                .filter(function.usefulRange.contains)
            for (x, y) in zip(x, function.kernel(kernels, x)) {
                let exact = function.exact(Double(x))
                guard abs(exact) < Double(Float.greatestFiniteMagnitude) else { continue }
                let error = abs(Double(y) - exact) / Double(Float(exact).ulp)
                if error > worst { (worst, worstAt) = (error, x) }
            }
        }
        #expect(worst <= function.errorMax, "\(function.testDescription): \(worst) ulp at \(worstAt)")
        #expect(function.errorMax <= 2)
    }

    @Test("limits are exact", arguments: KernelSet.all)
    func limits(set: KernelSet) {
        let kernels = set.kernels
        let functions = ElementaryFunction.all
        #expect(
            functions[0].kernel(kernels, [0, -.infinity, .infinity, 100, -200]) == [1, 0, .infinity, .infinity, 0])
        #expect(functions[1].kernel(kernels, [1, 0, -0.0, .infinity]) == [0, -.infinity, -.infinity, .infinity])
        #expect(functions[1].kernel(kernels, [-1])[0].isNaN)
        #expect(functions[2].kernel(kernels, [0, -.infinity, .infinity, 20, -20]) == [0, -1, 1, 1, -1])
        #expect(functions[2].kernel(kernels, [-0.0])[0].sign == .minus)
        #expect(functions[3].kernel(kernels, [0, -.infinity, .infinity, 100, -200]) == [0.5, 0, 1, 1, 0])
        for function in functions { #expect(function.kernel(kernels, [.nan])[0].isNaN) }
    }
}
