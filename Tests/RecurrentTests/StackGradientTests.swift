// The gradients of stacks in one and both directions against central differences.

import Numerics
import Recurrent
import Testing

@Suite("Gradients of recurrent stacks")
struct StackGradientTests {
    @Test(
        "parameters' and inputs' gradients of ragged stacks equal the central differences", arguments: allCells,
        [[TimeDirection.forward], [.reverse], [.forward, .reverse]])
    func centralDifferences(cell: CellKind, directions: [TimeDirection]) {
        let seed: UInt64 = 5
        var numbers = TestNumbers(seed: seed)
        var layout = ParameterLayout()
        var stack = RecurrentStack<Double>(
            appendingTo: &layout, prefix: "", cell: cell, layers: 2, inputSize: 3, hiddenSize: 4,
            directions: directions, dropout: 0.3)
        let sequences = PackedSequences(shards: [0, 1, 2], lengths: [[5, 2, 1], [], [4, 4]])
        let root = ShardRange(0, 3)
        let weights = Buffer<Double>(count: layout.count)
        for tensor in layout.tensors {
            for element in 0..<tensor.count { weights.pointer[tensor.offset + element] = numbers.real(0.7) }
        }
        var inputs = GrowingBuffer<Double>()
        var scales = GrowingBuffer<Double>()
        var gradients = GrowingBuffer<Double>()
        let input = inputs.matrix(rows: sequences.rows, columns: 3)
        let scale = scales.matrix(rows: sequences.rows, columns: stack.outputSize)
        let inputGradients = gradients.matrix(rows: sequences.rows, columns: 3)
        input.copy(from: (0..<input.count).map { _ in numbers.real() }[...])
        scale.copy(from: (0..<scale.count).map { _ in numbers.real() }[...])
        let carried = sequences.positions.map { positions in
            (0..<positions.count * stack.stateSize).map { _ in numbers.real(0.5) }
        }
        var workspace = Workspace<Double>()
        let key = DropoutKey(seed: 1, step: 2)

        /// Σ scale · output
        func loss() -> Double {
            stack.packForward(layout, weights)
            let output = stack.forward(
                .rows(input), carried: carried, dropout: key, sequences: sequences, workspace: &workspace)
            return zip(output.elements, scale.elements).reduce(0) { $0 + $1.0 * $1.1 }
        }
        _ = loss()
        stack.packBackward(layout, weights)
        stack.outputGradients(sequences).copy(from: scale)
        var sink = GradientCollector<Double>(layout: layout, nodes: [root])
        stack.backward(
            inputGradients: inputGradients, dropout: key, layout: layout, nodes: [root], sink: &sink,
            sequences: sequences, workspace: &workspace)
        let gradient = collected(sink, layout, root)

        func check(_ name: String, _ place: UnsafeMutablePointer<Double>, _ computed: Double) {
            let expected = centralDifference(place, of: loss)
            #expect(relativeError(computed, expected) < 1e-6, "seed \(seed), \(name): \(computed), not \(expected)")
        }
        for tensor in layout.tensors {
            for element in tensor.offset..<tensor.offset + tensor.count {
                check("\(tensor.name)[\(element - tensor.offset)]", weights.pointer + element, gradient[element])
            }
        }
        for element in 0..<input.count {
            check("input[\(element)]", input.base + element, inputGradients.elements[element])
        }
    }
}
