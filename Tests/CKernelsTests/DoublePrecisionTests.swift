// The table in double precision: its product to the last bit, and the backward formulas against central differences.

import CKernels
import Testing

@Suite("Double precision")
struct DoublePrecisionTests {
    private let kernels = rondo_kernels_double().pointee

    private func values(_ count: Int, _ generator: inout SeededGenerator) -> [Double] {
        (0..<count).map { _ in Double.random(in: -1...1, using: &generator) }
    }

    @Test("the product is one fused chain an element")
    func product() {
        for seed in seeds(40) {
            var generator = SeededGenerator(seed: seed)
            let (M, N, K) = (generator.integer(1...9), generator.integer(1...20), generator.integer(0...40))
            let (a, b, bias) = (values(M * K, &generator), values(N * K, &generator), values(N, &generator))
            var packedLeft = Array(repeating: 0.0, count: kernels.packedLeftCount(M, K))
            var packedRight = Array(repeating: 0.0, count: kernels.packedRightCount(K, N))
            kernels.packLeft(a, K, nil, M, K, &packedLeft)
            kernels.packRightTransposed(b, K, K, N, &packedRight)
            var result = Array(repeating: 0.0, count: M * N)
            kernels.product(packedLeft, packedRight, M, N, K, &result, N, RondoStoreBias, bias)
            let expected = (0..<M * N).map { i in
                (0..<K).reduce(0.0) { $0.addingProduct(a[i / N * K + $1], b[i % N * K + $1]) } + bias[i % N]
            }
            #expect(result == expected, "seed \(seed)")
        }
    }

    /// Compares a gradient with (f(x + h) - f(x - h)) / 2h for each element of x.
    private func expectGradient(
        _ gradient: [Double], _ what: String, at x: [Double], seed: UInt64, of f: ([Double]) -> Double
    ) {
        let h = 1e-6
        for i in x.indices {
            var (above, below) = (x, x)
            above[i] += h
            below[i] -= h
            let difference = (f(above) - f(below)) / (2 * h)
            #expect(abs(difference - gradient[i]) < 1e-7, "\(what)[\(i)], seed \(seed)")
        }
    }

    @Test("LSTM backward is the derivative of LSTM forward")
    func lstm() {
        let H = 3
        for seed in seeds(5) {
            var generator = SeededGenerator(seed: seed)
            let (gates, cellPrevious) = (values(4 * H, &generator), values(H, &generator))
            let (dHidden, dCell) = (values(H, &generator), values(H, &generator))

            func forward(_ gates: [Double], _ cellPrevious: [Double]) -> (
                gates: [Double], tanhCell: [Double], objective: Double
            ) {
                var (gates, cell, tanhCell, hidden) = (gates, dCell, dCell, dCell)
                kernels.lstmForward(1, H, &gates, 4 * H, cellPrevious, H, &cell, H, &tanhCell, H, &hidden, H)
                let objective = zip(hidden + cell, dHidden + dCell).map(*).reduce(0, +)
                return (gates, tanhCell, objective)
            }
            let computed = forward(gates, cellPrevious)
            var (dGates, dCellPrevious) = (computed.gates, dCell)
            kernels.lstmBackward(
                1, H, &dGates, 4 * H, cellPrevious, H, computed.tanhCell, H, dHidden, H, &dCellPrevious, H)
            expectGradient(dGates, "gates", at: gates, seed: seed) { forward($0, cellPrevious).objective }
            expectGradient(dCellPrevious, "cell", at: cellPrevious, seed: seed) { forward(gates, $0).objective }
        }
    }

    @Test("GRU backward is the derivative of GRU forward")
    func gru() {
        let H = 3
        for seed in seeds(5) {
            var generator = SeededGenerator(seed: seed)
            let (input, recurrent) = (values(3 * H, &generator), values(3 * H, &generator))
            let (hiddenPrevious, dHidden) = (values(H, &generator), values(H, &generator))

            func forward(_ input: [Double], _ recurrent: [Double], _ hiddenPrevious: [Double]) -> (
                gates: [Double], objective: Double
            ) {
                var (gates, hidden) = (input, dHidden)
                kernels.gruForward(1, H, &gates, 3 * H, recurrent, 3 * H, hiddenPrevious, H, &hidden, H)
                return (gates, zip(hidden, dHidden).map(*).reduce(0, +))
            }
            var dInput = forward(input, recurrent, hiddenPrevious).gates
            var (dRecurrent, dHiddenPrevious) = (recurrent, hiddenPrevious)
            kernels.gruBackward(
                1, H, &dInput, 3 * H, &dRecurrent, 3 * H, hiddenPrevious, H, dHidden, H, &dHiddenPrevious, H)
            expectGradient(dInput, "input", at: input, seed: seed) { forward($0, recurrent, hiddenPrevious).objective }
            expectGradient(dRecurrent, "recurrent", at: recurrent, seed: seed) {
                forward(input, $0, hiddenPrevious).objective
            }
            expectGradient(dHiddenPrevious, "hidden", at: hiddenPrevious, seed: seed) {
                forward(input, recurrent, $0).objective
            }
        }
    }

    @Test("the gradient of softmax cross-entropy is the derivative of its loss")
    func softmax() {
        for seed in seeds(5) {
            var generator = SeededGenerator(seed: seed)
            let logits = values(7, &generator)
            func loss(_ logits: [Double], gradient: Int32) -> (loss: Double, logits: [Double]) {
                var (logits, losses) = (logits, [0.0])
                kernels.softmaxCrossEntropy(1, 7, &logits, 7, [2], &losses, gradient)
                return (losses[0], logits)
            }
            expectGradient(loss(logits, gradient: 1).logits, "logits", at: logits, seed: seed) {
                loss($0, gradient: 0).loss
            }
        }
    }
}
