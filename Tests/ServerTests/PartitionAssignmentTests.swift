// What a partition server is told: it comes over as it was meant, and nonsense is refused.

import Numerics
import Optimization
import Testing
import WireProtocol

@testable import Server

private func assignment(_ random: inout SplitMix) -> PartitionAssignment {
    let layout = randomLayout(&random)
    let lower = Int.random(in: 0..<layout.chunks.count, using: &random)
    return PartitionAssignment(
        layout: layout, shards: Int.random(in: 1...64, using: &random),
        chunks: lower..<Int.random(in: lower + 1...layout.chunks.count, using: &random), version: 7,
        optimizer: AdamConfiguration(rate: 0.25), precision: .single, silenceLimitSeconds: 5)
}

@Test("an assignment is read as it was written", arguments: 1...50)
func assignmentRoundTrip(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let original = assignment(&random)
    let read = try #require(PartitionAssignment(original.wire))
    #expect(read.layout == original.layout, "seed \(seed)")
    #expect(read.chunks == original.chunks && read.shards == original.shards && read.version == 7)
    #expect(read.optimizer == original.optimizer)
}

@Test("an assignment of impossible sizes is refused, and takes no memory")
func impossibleAssignments() {
    var random = SplitMix(state: 1)
    let good = assignment(&random).wire
    let damages: [(inout WirePartitionAssignment) -> Void] = [
        { $0.tensors = [] },
        { $0.tensors[0].shape = [] },
        { $0.tensors[0].shape = [0] },
        { $0.tensors[0].shape = [1, 2, 3] },
        { $0.tensors[0].shape = [.max, .max] },
        { $0.tensors[0].shape = [1 << 37, 1 << 18] },
        { $0.tensors[0].shape = [1 << 38, 1] },
        { $0.tensors[0].shape = [2, 1 << 30] },
        { $0.tensors = Array(repeating: $0.tensors[0], count: 1 << 17) },
        { $0.shards = 0 },
        { $0.shards = .max },
        { $0.version = .max },
        { $0.chunks = WireChunkRange() },
        { $0.chunks.upper = .max },
        { $0.chunks.lower = $0.chunks.upper },
        { $0.adam.rate = .nan },
        { $0.adam.beta2 = .infinity },
        { $0.silenceLimitSeconds = -1 },
        { $0.silenceLimitSeconds = .nan },
    ]
    #expect(PartitionAssignment(good) != nil)
    for (index, damage) in damages.enumerated() {
        var bad = good
        damage(&bad)
        #expect(PartitionAssignment(bad) == nil, "damage \(index)")
    }
}
