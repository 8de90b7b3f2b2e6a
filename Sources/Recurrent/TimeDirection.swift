// The order in which a layer visits the time steps.

/// Whether a layer reads its sequences from the first time step on or from the last one back.
public enum TimeDirection: Sendable, Hashable, CaseIterable {
    case forward, reverse

    /// What PyTorch appends to the names of the parameters.
    public var suffix: String {
        switch self {
        case .forward: ""
        case .reverse: "_reverse"
        }
    }
}

/// Rows of one time step whose previous states lie together.
public struct TimeSegment: Sendable, Equatable {
    /// The packed rows.
    public let rows: Range<Int>
    /// The state rows of the same sequences one step earlier in the layer's direction.
    public let previous: Range<Int>
    /// The packed positions of the sequences.
    public let sequences: Range<Int>
    /// Whether the previous states are the states before the first step.
    public let isFirst: Bool
}

extension PackedSequences {
    /// The segments in the order of the forward pass.
    ///
    /// Forward in time, each time step is one segment. In reverse, shorter sequences enter on the way: a time step may
    /// have two segments, of the sequences that go on and of those that begin.
    public func segments(_ direction: TimeDirection) -> [TimeSegment] {
        switch direction {
        case .forward:
            return (0..<steps).map { time in
                let active = rows(at: time).count
                let previous = time == 0 ? 0 : count + offsets[time - 1]
                return TimeSegment(
                    rows: rows(at: time), previous: previous..<previous + active, sequences: 0..<active,
                    isFirst: time == 0)
            }
        case .reverse:
            return (0..<steps).reversed().flatMap { time in
                let active = rows(at: time).count
                let going = time + 1 < steps ? rows(at: time + 1).count : 0
                let previous = time + 1 < steps ? count + offsets[time + 1] : 0
                let segments = [
                    TimeSegment(
                        rows: offsets[time]..<offsets[time] + going, previous: previous..<previous + going,
                        sequences: 0..<going, isFirst: false),
                    TimeSegment(
                        rows: offsets[time] + going..<offsets[time + 1], previous: going..<active,
                        sequences: going..<active, isFirst: true),
                ]
                return segments.filter { !$0.rows.isEmpty }
            }
        }
    }

    /// For each shard, the state rows one step earlier than each of its rows, in the order of ``shardRows``.
    public func previousStateRows(_ direction: TimeDirection) -> [[Int32]] {
        var previous = [Int32](repeating: 0, count: rows)
        for segment in segments(direction) {
            for (row, before) in zip(segment.rows, segment.previous) { previous[row] = Int32(before) }
        }
        return shardRows.map { $0.map { previous[Int($0)] } }
    }

    /// The state row that holds the final state of the sequence at a packed position.
    public func finalStateRow(_ direction: TimeDirection, position: Int) -> Int {
        let length = sequences[position].length
        guard length > 0 else { return position }
        switch direction {
        case .forward: return count + offsets[length - 1] + position
        case .reverse: return count + position
        }
    }
}
