// Adam against its definition.

import Numerics
import Testing

@testable import Optimization

@Suite("Adam")
struct AdamTests {
    /// A layout with a dense matrix and a row-sparse one.
    private var layout: ParameterLayout {
        var layout = ParameterLayout()
        layout.append("dense", [3, 5])
        layout.append("sparse", [6, 4], isRowSparse: true)
        return layout
    }

    @Test("three updates follow algorithm 1 of Kingma and Ba, scaled gradients and all")
    func definition() {
        let adam = Adam<Double>(layout: layout)
        let weights = Buffer<Double>(count: layout.count)
        let gradients = Buffer<Double>(count: layout.count)
        let configuration = AdamConfiguration(rate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-3)
        var (expected, first, second) = (
            (0..<15).map { Double($0) / 10 }, [Double](repeating: 0, count: 15), [Double](repeating: 0, count: 15)
        )
        layout.matrix(ofChunk: 0, in: weights).copy(from: expected[...])
        var correction1 = 1.0
        var correction2 = 1.0
        for update in 1...3 {
            let gradient = (0..<15).map { Double($0 * update % 7) - 3 }
            layout.matrix(ofChunk: 0, in: gradients).copy(from: gradient[...])
            adam.update(
                chunk: 0, weights: weights, gradient: layout.matrix(ofChunk: 0, in: gradients),
                step: configuration.step(update: update, gradientScale: 0.5, rateFactor: 2))
            correction1 *= 0.8
            correction2 *= 0.99
            for index in expected.indices {
                let value = 0.5 * gradient[index]
                first[index] = 0.8 * first[index] + 0.2 * value
                second[index] = 0.99 * second[index] + 0.01 * value * value
                let root = (second[index] / (1 - correction2)).squareRoot()
                expected[index] -= 0.02 * first[index] / (1 - correction1) / (root + 1e-3)
            }
        }
        for (value, expected) in zip(layout.matrix(ofChunk: 0, in: weights).elements, expected) {
            #expect(abs(value - expected) < 1e-12)
        }
        #expect(layout.matrix(ofChunk: 1, in: weights).elements.allSatisfy { $0 == 0 })
    }

    @Test("rows without a gradient keep weights and moments; the others are updated as dense ones")
    func sparse() {
        let lazy = Adam<Float>(layout: layout)
        let dense = Adam<Float>(layout: layout)
        let some = Buffer<Float>(count: layout.count)
        let all = Buffer<Float>(count: layout.count)
        let gradients = Buffer<Float>(count: layout.count)
        let gradient = layout.matrix(ofChunk: 1, in: gradients)
        for row in 0..<6 { for column in 0..<4 { gradient[row, column] = Float(row * 4 + column) - 9.5 } }
        for update in 1...2 {
            let step = AdamConfiguration().step(update: update, gradientScale: 0.25)
            dense.update(chunk: 1, weights: all, gradient: gradient, step: step)
            for row in [1, 4] {
                lazy.update(
                    chunk: 1, weights: some, rows: [Int32(row)], values: gradient.rows(row..<row + 1), step: step)
            }
        }
        let (one, other) = (layout.matrix(ofChunk: 1, in: some), layout.matrix(ofChunk: 1, in: all))
        for row in 0..<6 {
            let expected = [1, 4].contains(row) ? other.rows(row..<row + 1).elements : [0, 0, 0, 0]
            #expect(one.rows(row..<row + 1).elements == expected)
        }
        #expect(layout.matrix(ofChunk: 1, in: lazy.firstMoments).rows(0..<1).elements == [0, 0, 0, 0])
    }

    @Test("powers by squaring are exact where they can be")
    func powers() {
        #expect(power(2, 10) == 1024 && power(0.5, 3) == 0.125 && power(7, 0) == 1)
        #expect(abs(power(0.999, 1000) - 0.367_695_424_770_964) < 1e-12)
    }

    @Test("a constant schedule leaves the rate alone")
    func schedule() { #expect(RateSchedule.constant.factor(update: 1000) == 1) }
}
