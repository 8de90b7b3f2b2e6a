// The division of parameters among server processes.

import Testing

@testable import Cluster

@Test("partitions get contiguous, non-empty ranges of chunks that cover all of them", arguments: 1...200)
func partitionsCover(seed: Int) throws {
    var random = SplitMix(state: UInt64(seed))
    let sizes = (0..<Int(random.next() % 40) + 1).map { _ in Int(random.next() % 1000) + 1 }
    for partitions in 1...sizes.count {
        let ranges = try #require(PartitionPlan.divide(sizes: sizes, partitions: partitions))
        #expect(ranges.count == partitions, "seed \(seed)")
        #expect(ranges.allSatisfy { !$0.isEmpty }, "seed \(seed)")
        #expect(ranges.flatMap { Array($0) } == Array(sizes.indices), "seed \(seed)")
    }
}

@Test("no partition is more than one chunk above its share while there are chunks enough", arguments: 1...200)
func partitionsAreBalanced(seed: Int) throws {
    var random = SplitMix(state: UInt64(seed))
    let sizes = (0..<64).map { _ in Int(random.next() % 1000) + 1 }
    let partitions = Int(random.next() % 8) + 1
    let ranges = try #require(PartitionPlan.divide(sizes: sizes, partitions: partitions))
    let share = sizes.reduce(0, +) / partitions
    for range in ranges {
        #expect(sizes[range].reduce(0, +) <= share + sizes.max()!, "seed \(seed): \(range)")
    }
}

@Test("a large chunk has a partition of its own, and the rest is divided evenly")
func largeChunk() {
    #expect(PartitionPlan.divide(sizes: [100, 1, 1, 1, 1], partitions: 3) == [0..<1, 1..<3, 3..<5])
    #expect(PartitionPlan.divide(sizes: [4, 1, 1, 2], partitions: 2) == [0..<1, 1..<4])
    #expect(PartitionPlan.divide(sizes: [5, 5, 5, 5], partitions: 1) == [0..<4])
}

@Test("more partitions than chunks cannot be served")
func tooManyPartitions() {
    #expect(PartitionPlan.divide(sizes: [1, 1], partitions: 3) == nil)
    #expect(PartitionPlan.divide(sizes: [], partitions: 1) == nil)
    #expect(PartitionPlan.divide(sizes: [1], partitions: 0) == nil)
}
