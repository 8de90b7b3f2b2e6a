// The gradients of the whole language model against central differences.

import Numerics
import Recurrent
import Testing

@Suite("Gradients of the language model")
struct NetworkGradientTests {
    @Test("every parameter's gradient equals the central difference", arguments: allCells, [0.0, 0.4])
    func centralDifferences(cell: CellKind, dropout: Double) {
        let seed: UInt64 = 20
        var numbers = TestNumbers(seed: seed)
        let shape = LanguageModelShape(
            cell: cell, layers: 2, hiddenSize: 5, embeddingSize: 4, vocabulary: 7, dropout: dropout)
        var network = LanguageModelNetwork<Double>(shape)
        network.initializeWeights(seed: seed)
        let batch = randomBatch(shards: [0, 1, 2, 3, 4], sequences: 0...3, vocabulary: 7, using: &numbers)
        let states: [Int: [Double]] = randomStates(batch, size: network.stateSize, using: &numbers)
        let root = ShardRange(0, 5)
        var sink = GradientCollector<Double>(layout: network.layout, nodes: [root])

        func loss() -> Double {
            network.weightsChanged()
            return network.trainingStep(batch, seed: 3, step: 9, carriedStates: states, nodes: [root], sink: &sink)
                .reduce(0) { $0 + $1.loss }
        }
        _ = loss()
        let gradient = collected(sink, network.layout, root)
        let (layout, weights) = (network.layout, network.weights.pointer)
        for tensor in layout.tensors {
            for element in tensor.offset..<tensor.offset + tensor.count {
                let expected = centralDifference(weights + element, of: loss)
                #expect(
                    relativeError(gradient[element], expected) < 1e-6,
                    "seed \(seed), \(tensor.name)[\(element - tensor.offset)]: \(gradient[element]), not \(expected)")
            }
        }
    }
}

/// The gradient of a node in one flat array, rows without a gradient being 0.
func collected<Scalar: KernelScalar>(
    _ sink: borrowing GradientCollector<Scalar>, _ layout: ParameterLayout, _ node: ShardRange
) -> [Scalar] {
    var result = [Scalar](repeating: 0, count: layout.count)
    for (index, chunk) in layout.chunks.enumerated() {
        let gradient = sink.gradient(chunk: index, node: node)
        if layout.tensors[chunk.tensor].isRowSparse {
            for row in sink.rows(chunk: index, node: node) {
                let place = Int(row) - chunk.rows.lowerBound
                let start = chunk.elements.lowerBound + place * gradient.columns
                result.replaceSubrange(
                    start..<start + gradient.columns, with: gradient.rows(place..<place + 1).elements)
            }
        } else {
            result.replaceSubrange(chunk.elements, with: gradient.elements)
        }
    }
    return result
}
