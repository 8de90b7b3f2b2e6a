// Hidden states between steps.

import Numerics

/// The server's copy of what truncated back-propagation carries from step to step, shard by shard. It is the
/// authoritative one: any worker can take over any shard, and a resumed run continues as if it had never stopped.
struct CarriedStates {
    /// A shard's state at the start of the step in progress, and who delivered it.
    struct Entry {
        /// `[layer][hidden, cell][sequence][unit]`; empty for zeros.
        var values: [Float] = []
        /// The worker that has it in memory.
        var holder: [UInt8]?
    }

    private var current: [Entry]
    private var incoming: [Int: Entry] = [:]

    init(shards: Int) { current = Array(repeating: Entry(), count: shards) }

    /// Whether the run has such a shard.
    func holds(_ shard: Int) -> Bool { current.indices.contains(shard) }

    /// The state of a shard at the start of the step in progress.
    subscript(shard: Int) -> Entry { current[shard] }

    /// Takes the state of a shard at the end of the step in progress.
    mutating func deliver(shard: Int, values: [Float], holder: [UInt8]?) {
        incoming[shard] = Entry(values: values, holder: holder)
    }

    /// The step of these shards was applied: what was delivered is the state now.
    mutating func advance(_ span: ShardRange) {
        for shard in span.indices {
            if let entry = incoming.removeValue(forKey: shard) { current[shard] = entry }
        }
    }

    /// Puts back what a checkpoint held.
    mutating func restore(shard: Int, values: [Float]) { current[shard] = Entry(values: values, holder: nil) }
}
