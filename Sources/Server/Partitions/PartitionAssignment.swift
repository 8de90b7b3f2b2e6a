// What a partition server is told of the run.

import Numerics
import Optimization
import WireProtocol

/// What a partition server has to know of the run whose parameters it holds a part of.
struct PartitionAssignment {
    /// The parameters of the whole model.
    var layout: ParameterLayout
    /// The shards of a step.
    var shards: Int
    /// The chunks that the partition owns.
    var chunks: Range<Int>
    /// The version of the weights that follow.
    var version: Int
    /// The constants of Adam.
    var optimizer: AdamConfiguration
    /// What gradients and weights travel in, and what sums are rounded to.
    var precision: Precision
    /// A primary that is silent for longer may be replaced by another.
    var silenceLimitSeconds: Double
    /// Whether all shards take their steps together.
    var isSynchronous = true
}

extension PartitionAssignment {
    private static let tensorsMaximum = 1 << 16
    private static let elementsMaximum = 1 << 38
    private static let chunksMaximum = 1 << 20
    private static let shardsMaximum = 1 << 16

    /// Reads an assignment; `nil` if it makes no sense. Takes no more memory than the names of the chunks.
    init?(_ wire: WirePartitionAssignment) {
        guard (1...Self.tensorsMaximum).contains(wire.tensors.count),
            (1...UInt32(Self.shardsMaximum)).contains(wire.shards), wire.version < UInt64(Int.max),
            wire.silenceLimitSeconds.isFinite, wire.silenceLimitSeconds > 0
        else { return nil }
        layout = ParameterLayout()
        var chunkCount = 0
        for tensor in wire.tensors {
            guard (1...2).contains(tensor.shape.count),
                tensor.shape.allSatisfy({ (1...UInt64(Self.elementsMaximum)).contains($0) })
            else { return nil }
            let shape = tensor.shape.map { Int($0) }
            let columns = shape.count > 1 ? shape[1] : 1
            let rowsPerChunk = max(1, ParameterLayout.chunkElementsMaximum / columns)
            chunkCount += (shape[0] - 1) / rowsPerChunk + 1
            // Rows longer than a chunk would be longer than a message may be.
            guard columns <= ParameterLayout.chunkElementsMaximum, chunkCount <= Self.chunksMaximum,
                shape[0] <= Self.elementsMaximum / columns
            else { return nil }
            layout.append(tensor.name, shape, isRowSparse: tensor.isRowSparse)
            guard layout.count <= Self.elementsMaximum else { return nil }
        }
        let (lower, upper) = (Int(wire.chunks.lower), Int(wire.chunks.upper))
        guard lower < upper, upper <= layout.chunks.count else { return nil }
        let adam = wire.adam
        guard [adam.rate, adam.beta1, adam.beta2, adam.epsilon].allSatisfy(\.isFinite) else { return nil }
        chunks = lower..<upper
        shards = Int(wire.shards)
        version = Int(wire.version)
        optimizer = AdamConfiguration(
            rate: adam.rate, beta1: adam.beta1, beta2: adam.beta2, epsilon: adam.epsilon)
        precision = wire.isBfloat16 ? .bfloat16 : .single
        silenceLimitSeconds = wire.silenceLimitSeconds
        isSynchronous = !wire.isAsynchronous
    }

    /// As a message carries it.
    var wire: WirePartitionAssignment {
        var wire = WirePartitionAssignment()
        wire.tensors = layout.tensors.map { tensor in
            var place = WireParameterTensor()
            place.name = tensor.name
            place.shape = tensor.shape.map { UInt64($0) }
            place.isRowSparse = tensor.isRowSparse
            return place
        }
        wire.shards = UInt32(shards)
        wire.chunks = WireChunkRange(chunks)
        wire.version = UInt64(version)
        wire.adam.rate = optimizer.rate
        wire.adam.beta1 = optimizer.beta1
        wire.adam.beta2 = optimizer.beta2
        wire.adam.epsilon = optimizer.epsilon
        wire.isBfloat16 = precision == .bfloat16
        wire.silenceLimitSeconds = silenceLimitSeconds
        wire.isAsynchronous = !isSynchronous
        return wire
    }

    /// Bytes of weights and moments that the partition will hold.
    var stateBytes: Int {
        chunks.reduce(0) { $0 + layout.chunks[$1].elements.count }
            * (ParameterKind.allCases.count * MemoryLayout<Float>.stride)
    }
}

extension WireChunkRange {
    init(_ range: Range<Int>) {
        self.init()
        lower = UInt32(range.lowerBound)
        upper = UInt32(range.upperBound)
    }
}
