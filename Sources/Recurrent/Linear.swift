// The linear layer.

import Numerics

/// y = W x + b with W `[out, in]` and b `[out]`, row by row.
public struct Linear<Scalar: KernelScalar>: ~Copyable {
    /// The places of W and b in the layout.
    public let weightTensor, biasTensor: Int
    /// The number of features of x and y.
    public let inputSize, outputSize: Int
    /// Wᵀ `[in, out]` and W `[out, in]`.
    private var forwardWeights: PackedRight<Scalar>
    private var backwardWeights: PackedRight<Scalar>
    private let bias: Buffer<Scalar>

    /// A layer whose parameters `{prefix}weight` and `{prefix}bias` are appended to the layout.
    public init(
        appendingTo layout: inout ParameterLayout, prefix: String, inputSize: Int, outputSize: Int,
        precision: Precision = .single
    ) {
        (self.inputSize, self.outputSize) = (inputSize, outputSize)
        forwardWeights = PackedRight(precision: precision)
        backwardWeights = PackedRight(precision: precision)
        weightTensor = layout.append("\(prefix)weight", [outputSize, inputSize])
        biasTensor = layout.append("\(prefix)bias", [outputSize])
        bias = Buffer(count: outputSize)
    }

    /// Takes over the weights for the forward pass.
    public mutating func packForward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        forwardWeights.packTransposed(layout.matrix(ofTensor: weightTensor, in: weights))
        Matrix(bias, rows: outputSize, columns: 1).copy(from: layout.matrix(ofTensor: biasTensor, in: weights))
    }

    /// Takes over the weights for the backward pass.
    public mutating func packBackward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        backwardWeights.pack(layout.matrix(ofTensor: weightTensor, in: weights))
    }

    /// outputs `[n, out]` from inputs `[n, in]`.
    public func forward(_ inputs: Matrix<Scalar>, into outputs: Matrix<Scalar>, workspace: inout Workspace<Scalar>) {
        workspace.left.pack(inputs)
        multiply(
            workspace.left, forwardWeights, into: outputs,
            store: .bias(Matrix(bias, rows: outputSize, columns: 1)))
    }

    /// inputGradients `[n, in]` from outputGradients `[n, out]`.
    public func backward(
        _ outputGradients: Matrix<Scalar>, into inputGradients: Matrix<Scalar>, workspace: inout Workspace<Scalar>
    ) {
        workspace.left.pack(outputGradients)
        multiply(workspace.left, backwardWeights, into: inputGradients)
    }

    /// Delivers dW and db from the inputs `[R, in]` and output gradients `[R, out]` of all rows.
    public func deliverWeightGradients<Sink: GradientSink<Scalar> & ~Copyable>(
        inputs: Matrix<Scalar>, outputGradients: Matrix<Scalar>, layout: ParameterLayout, nodes: [ShardRange],
        sink: inout Sink, sequences: PackedSequences, workspace: inout Workspace<Scalar>
    ) {
        let gradients = RowsByShard(outputGradients, sequences.shardRows)
        workspace.deliver(
            [WeightGradient(tensor: weightTensor, inputs: RowsByShard(inputs, sequences.shardRows))],
            outputGradients: gradients, layout: layout, nodes: nodes, sink: &sink, sequences: sequences)
        workspace.deliverSums(
            tensors: [biasTensor], outputGradients: gradients, layout: layout, nodes: nodes, sink: &sink,
            sequences: sequences)
    }
}
