// Hidden states as a worker delivers them.

import Messaging
import Platform
import WireProtocol

/// The carried states at the end of a span's step, read from the frames of a report or from the memory that its worker
/// shares. They are copied before they are looked at: the worker can write to its memory at any time.
struct DeliveredStates {
    /// `[shard][state]`, in the order of the span's shards.
    let values: [[Float]]

    /// Reads what a report brings; `nil` where it is of another shape.
    ///
    /// - Parameters:
    ///   - counts: the number of values of each shard's state.
    ///   - memory: what the worker shares, if the server could open it.
    init?(_ done: WireSpanDone, frames: consuming FrameList, counts: [Int], memory: SharedMemory?) {
        guard done.isShared else {
            var remaining = frames
            guard remaining.count == counts.count else { return nil }
            var values: [[Float]] = []
            for count in counts {
                guard let frame = remaining.popFirst(), frame.count == count * MemoryLayout<Float>.stride else {
                    return nil
                }
                values.append(frame.elements(of: Float.self))
            }
            self.values = values
            return
        }
        let byteCount = counts.reduce(0, +) * MemoryLayout<Float>.stride
        guard frames.isEmpty, let stretch = GradientMemory(memory, offset: done.sharedOffset, byteCount: byteCount)
        else { return nil }
        values = stretch.withFloats { floats in
            var first = 0
            return counts.map { count in
                defer { first += count }
                return floats.columns(first..<first + count).elements
            }
        }
    }
}
