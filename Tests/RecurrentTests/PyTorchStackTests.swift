// Outputs and gradients of stacks against PyTorch.

import Numerics
import Recurrent
import Testing

@Suite("Stacks against PyTorch")
struct PyTorchStackTests {
    @Test("ragged bidirectional stacks give PyTorch's values in double precision")
    func double() throws {
        for fixture in try fixture("stacks.json", [StackFixture].self) { check(fixture, Double.self, tolerance: 1e-12) }
    }

    @Test("ragged bidirectional stacks give PyTorch's values in single precision")
    func single() throws {
        for fixture in try fixture("stacks.json", [StackFixture].self) { check(fixture, Float.self, tolerance: 4e-6) }
    }

    private func check<Scalar: KernelScalar>(_ fixture: StackFixture, _ type: Scalar.Type, tolerance: Double) {
        func scalars(_ numbers: PackedNumbers) -> [Scalar] { numbers.values(Double.self).map(Scalar.init) }
        func expect(_ name: String, _ values: [Scalar], _ expected: PackedNumbers) {
            let expected = expected.values(Double.self)
            #expect(values.count == expected.count, "\(fixture.cell) \(name)")
            for (index, (value, expected)) in zip(values, expected).enumerated() {
                let allowed = tolerance * max(1, abs(expected))
                #expect(
                    abs(Double(value) - expected) <= allowed,
                    "\(fixture.cell) \(name)[\(index)]: \(value), not \(expected)")
            }
        }
        var layout = ParameterLayout()
        var stack = RecurrentStack<Scalar>(
            appendingTo: &layout, prefix: "", cell: cellKind(fixture.cell), layers: fixture.layers,
            inputSize: fixture.inputSize, hiddenSize: fixture.hiddenSize, directions: [.forward, .reverse])
        #expect(Set(layout.tensors.map(\.name)) == Set(fixture.weights.keys))
        let weights = Buffer<Scalar>(count: layout.count)
        for (index, tensor) in layout.tensors.enumerated() {
            layout.matrix(ofTensor: index, in: weights).copy(from: scalars(fixture.weights[tensor.name]!)[...])
        }
        let sequences = PackedSequences(shards: [0], lengths: [fixture.lengths])
        var inputs = GrowingBuffer<Scalar>()
        var gradients = GrowingBuffer<Scalar>()
        let input = inputs.matrix(rows: sequences.rows, columns: fixture.inputSize)
        let inputGradients = gradients.matrix(rows: sequences.rows, columns: fixture.inputSize)
        input.copy(from: scalars(fixture.inputs)[...])

        var workspace = Workspace<Scalar>()
        stack.packForward(layout, weights)
        stack.packBackward(layout, weights)
        let output = stack.forward(
            .rows(input), carried: [scalars(fixture.initialStates)], dropout: nil, sequences: sequences,
            workspace: &workspace)
        expect("output", output.elements, fixture.outputs)
        expect("final states", stack.finalStates(sequences)[0], fixture.finalStates)

        stack.outputGradients(sequences).copy(from: scalars(fixture.scale)[...])
        let node = ShardRange(0, 1)
        var sink = GradientCollector<Scalar>(layout: layout, nodes: [node])
        stack.backward(
            inputGradients: inputGradients, dropout: nil, layout: layout, nodes: [node], sink: &sink,
            sequences: sequences, workspace: &workspace)
        expect("input gradient", inputGradients.elements, fixture.inputGradients)
        let gradient = collected(sink, layout, node)
        for tensor in layout.tensors {
            expect(
                tensor.name, Array(gradient[tensor.offset..<tensor.offset + tensor.count]),
                fixture.gradients[tensor.name]!)
        }
    }
}
