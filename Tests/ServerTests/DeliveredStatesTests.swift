// What the server takes as the hidden states of a span.

import Messaging
import Platform
import Testing
import WireProtocol

@testable import Server

@Suite("The states of a span are taken from frames or from shared memory, and only in the shape that its shards have")
struct DeliveredStatesTests {
    private let states: [[Float]] = [[1, 2, 3], [], [4, 5]]

    private func frames(_ states: [[Float]]) -> FrameList {
        var frames = FrameList()
        for state in states { frames.append(Frame(copyingElements: state)) }
        return frames
    }

    /// A report whose states lie in shared memory at `offset`.
    private func report(sharedAt offset: UInt64) -> WireSpanDone {
        var done = WireSpanDone()
        done.isShared = true
        done.sharedOffset = offset
        return done
    }

    @Test("frames: one a shard")
    func frames() {
        let done = WireSpanDone()
        #expect(DeliveredStates(done, frames: frames(states), counts: [3, 0, 2], memory: nil)?.values == states)
        #expect(DeliveredStates(done, frames: frames(states), counts: [3, 0], memory: nil) == nil)
        #expect(DeliveredStates(done, frames: frames(states), counts: [3, 0, 1], memory: nil) == nil)
        #expect(DeliveredStates(done, frames: FrameList(), counts: [3], memory: nil) == nil)
    }

    @Test("shared memory: one behind the other, and nothing beyond its end")
    func shared() throws {
        let memory = try SharedMemory(byteCount: 128)
        let floats = memory.bytes.bindMemory(to: Float.self)
        for (index, value) in states.joined().enumerated() { floats[16 + index] = value }
        let counts = [3, 0, 2]
        func values(_ offset: UInt64, _ counts: [Int]) -> [[Float]]? {
            DeliveredStates(report(sharedAt: offset), frames: FrameList(), counts: counts, memory: memory)?.values
        }
        #expect(values(64, counts) == states)
        #expect(values(64, [16]) != nil)
        #expect(values(64, [17]) == nil)
        #expect(values(128, counts) == nil)
        #expect(values(UInt64.max, counts) == nil)
        #expect(values(4, counts) == nil, "a stretch begins at a multiple of 64")
        let both = DeliveredStates(report(sharedAt: 64), frames: frames([[1]]), counts: counts, memory: memory)
        #expect(both == nil)
        #expect(DeliveredStates(report(sharedAt: 64), frames: FrameList(), counts: counts, memory: nil) == nil)
    }
}
