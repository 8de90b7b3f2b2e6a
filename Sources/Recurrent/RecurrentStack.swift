// Recurrent layers on top of each other.

import Numerics

/// A stack of recurrent layers with dropout between them: the counterpart of `torch.nn.LSTM`, `GRU` and `RNN`.
public struct RecurrentStack<Scalar: KernelScalar>: ~Copyable {
    /// The features of the output of the last layer.
    public let outputSize: Int
    private var layers = OwnedArray<RecurrentLayer<Scalar>>()
    private var dropouts = OwnedArray<Dropout<Scalar>>()
    private var inputs: [LayerInput<Scalar>] = []

    /// A stack whose parameters are appended to the layout under PyTorch's names behind `prefix`.
    public init(
        appendingTo layout: inout ParameterLayout, prefix: String, cell: CellKind, layers: Int, inputSize: Int,
        hiddenSize: Int, directions: [TimeDirection] = [.forward], dropout: Double = 0, precision: Precision = .single
    ) {
        precondition(layers > 0 && !directions.isEmpty, "a stack has at least one layer and one direction")
        outputSize = directions.count * hiddenSize
        for layer in 0..<layers {
            self.layers.append(
                RecurrentLayer(
                    appendingTo: &layout, prefix: prefix, layer: layer, cell: cell,
                    inputSize: layer == 0 ? inputSize : outputSize, hiddenSize: hiddenSize, directions: directions,
                    precision: precision))
            dropouts.append(Dropout(probability: dropout, layer: layer))
        }
    }

    /// The numbers of carried state that one sequence has.
    public var stateSize: Int { layers.indices.reduce(0) { $0 + layers[$1].stateSize } }

    /// Takes over the weights for the forward pass.
    public mutating func packForward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        for index in layers.indices { layers[index].packForward(layout, weights) }
    }

    /// Takes over the weights for the backward pass.
    public mutating func packBackward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        for index in layers.indices { layers[index].packBackward(layout, weights) }
    }

    /// Runs all layers and returns the output `[R, D H]` of the last.
    ///
    /// - Parameters:
    ///   - carried: for each shard the states before the first step; see ``CarriedState``.
    ///   - dropout: where masks between the layers come from; `nil` drops nothing.
    public mutating func forward(
        _ input: LayerInput<Scalar>, carried: [[Scalar]], dropout: DropoutKey?, sequences: PackedSequences,
        workspace: inout Workspace<Scalar>
    ) -> Matrix<Scalar> {
        inputs = [input]
        var consumed = 0
        for index in layers.indices {
            let size = layers[index].stateSize
            let parts = zip(carried, sequences.positions).map { state, positions in
                state.isEmpty ? [] : state[consumed * positions.count..<(consumed + size) * positions.count]
            }
            layers[index].forward(inputs[index], carried: parts, sequences: sequences, workspace: &workspace)
            consumed += size
            guard index + 1 < layers.count else { break }
            workspace.clock.enter(.dropout)
            let outputs = layers[index].outputs(sequences)
            inputs.append(.rows(dropouts[index].forward(outputs, key: dropout, sequences: sequences)))
        }
        return layers[layers.count - 1].outputs(sequences)
    }

    /// The states after the last step, for each shard; see ``CarriedState``.
    public mutating func finalStates(_ sequences: PackedSequences) -> [[Scalar]] {
        var carried = [[Scalar]](repeating: [], count: sequences.shards.count)
        for (shard, positions) in sequences.positions.enumerated() {
            carried[shard].reserveCapacity(stateSize * positions.count)
        }
        for index in layers.indices { layers[index].appendFinalStates(to: &carried, sequences: sequences) }
        return carried
    }

    /// Memory `[R, D H]` where the gradient of the output goes before the backward pass.
    public mutating func outputGradients(_ sequences: PackedSequences) -> Matrix<Scalar> {
        layers[layers.count - 1].outputGradients(sequences)
    }

    /// Back through all layers, delivering each layer's weight gradients before the pass goes on below it.
    ///
    /// - Parameters:
    ///   - dropout: as in the forward pass.
    ///   - inputGradients: `[input.gradientRows, in]`, overwritten; `nil` if nobody needs it.
    public mutating func backward<Sink: GradientSink<Scalar> & ~Copyable>(
        inputGradients: Matrix<Scalar>?, dropout: DropoutKey?, layout: ParameterLayout, nodes: [ShardRange],
        sink: inout Sink, sequences: PackedSequences, workspace: inout Workspace<Scalar>
    ) {
        for index in layers.indices.reversed() {
            let below = index == 0 ? inputGradients : layers[index - 1].outputGradients(sequences)
            layers[index].backward(inputs[index], inputGradients: below, sequences: sequences, workspace: &workspace)
            if index > 0, let below {
                workspace.clock.enter(.dropout)
                dropouts[index - 1].backward(below, key: dropout)
            }
            layers[index].deliverWeightGradients(
                inputs[index], layout: layout, nodes: nodes, sink: &sink, sequences: sequences, workspace: &workspace)
        }
    }
}
