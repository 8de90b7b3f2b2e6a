// The bounds of a server: what readers may leave unread, how many snapshots live, what becomes of connections.

import Synchronization
import Testing

@testable import Messaging
@testable import Server

private func name(_ number: Int) throws -> RoutingIdentifier { try RoutingIdentifier("peer-\(number)") }

@Test("a peer has room for a bounded number of bytes, and gets it back when they have left")
func answersOfAPeer() throws {
    var budget = AnswerBudget()
    let peer = try name(1)
    var taken: [(share: AnswerBudget.Share, bytes: Int)] = []
    while let reserved = budget.reserve(100_000, for: peer, over: nil, now: 0) { taken.append(reserved) }
    #expect(budget.bytes <= AnswerBudget.bytesOfPeerMax)
    #expect(budget.bytes > AnswerBudget.bytesOfPeerMax - 200_000)
    let ofOther = budget.reserve(1, for: try name(2), over: nil, now: 0)
    #expect(ofOther != nil, "others have room")
    taken[0].share.giveBack(taken[0].bytes)
    let again = budget.reserve(99_000, for: peer, over: nil, now: 0)
    #expect(again != nil)
}

@Test("however many peers read nothing, all answers together stay within their bound")
func answersOfAll() throws {
    var budget = AnswerBudget()
    var refused = 0
    for number in 0..<1000 {
        if budget.reserve(1 << 20, for: try name(number), over: nil, now: 0) == nil { refused += 1 }
    }
    #expect(budget.bytes <= AnswerBudget.bytesMax)
    #expect(refused > 700)
}

@Test("a single answer that is larger than a peer's room goes alone")
func largeAnswer() throws {
    var budget = AnswerBudget()
    let large = budget.reserve(20 << 20, for: try name(1), over: nil, now: 0)
    let next = budget.reserve(1, for: try name(1), over: nil, now: 0)
    #expect(large != nil && next == nil)
}

@Test("a reader that takes nothing for long is named once; one that takes a little is not")
func stalledReaders() throws {
    var budget = AnswerBudget()
    let (stalled, slow) = (ConnectionIdentifier(descriptor: 7), ConnectionIdentifier(descriptor: 8))
    _ = budget.reserve(1000, for: try name(1), over: stalled, now: 0)
    var answers = (0..<10).compactMap { _ in
        (try? name(2)).flatMap { budget.reserve(1000, for: $0, over: slow, now: 0) }
    }
    var stalls = budget.review(now: 10)
    #expect(stalls.isEmpty)
    let first = answers.removeFirst()
    first.share.giveBack(first.bytes)
    stalls = budget.review(now: 14)
    #expect(stalls.isEmpty)
    stalls = budget.review(now: AnswerBudget.stalledSecondsMax + 1)
    #expect(stalls == [stalled])
    stalls = budget.review(now: AnswerBudget.stalledSecondsMax + 2)
    #expect(stalls.isEmpty)
}

@Test("snapshots that slow readers hold count until the last message has left, and keep others from being made")
func snapshotsAlive() {
    var store = SnapshotStore()
    var held: [FrameBox] = []
    for version in 0..<SnapshotStore.aliveMaximum {
        let hasRoom = store.makeRoom(now: Double(version) * 0.1)
        #expect(hasRoom, "version \(version)")
        let snapshot = WeightSnapshot(
            version: version, runJSON: [], chunks: [FrameBox(Frame(alignedByteCount: 4096))], life: store.life,
            now: Double(version) * 0.1)
        held.append(FrameBox(snapshot.frame(ofChunk: 0)))
        store.keep(snapshot, now: Double(version) * 0.1, tookSeconds: 0.001)
    }
    var hasRoom = store.makeRoom(now: 1)
    #expect(!hasRoom)
    hasRoom = store.makeRoom(now: 100)
    #expect(!hasRoom, "all are on their way to somebody")
    held = []
    hasRoom = store.makeRoom(now: 100)
    #expect(hasRoom)
}

@Test("snapshots take a bounded part of the time")
func snapshotPauses() {
    var store = SnapshotStore()
    #expect(store.mayMakeOne(now: 0))
    store.keep(
        WeightSnapshot(version: 1, runJSON: [], chunks: [], life: store.life, now: 0), now: 0.1, tookSeconds: 0.1)
    #expect(!store.mayMakeOne(now: 4.9))
    #expect(store.mayMakeOne(now: 5.2))
}

@Test("a frame that notifies does so exactly once, when its last copy has gone", arguments: [0, 5, 33, 34, 100_000])
func notifyingFrames(count: Int) {
    let calls = Counter()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    var frame = Frame(copying: bytes).notifying { calls.value.add(1, ordering: .relaxed) }
    let here = frame.bytes()
    #expect(here == bytes)
    var copy: FrameBox? = FrameBox(frame.share())
    frame = Frame()
    #expect(calls.value.load(ordering: .relaxed) == 0)
    let copied = copy?.withUnsafeBytes { Array($0) }
    #expect(copied == bytes)
    copy = nil
    #expect(calls.value.load(ordering: .relaxed) == 1)
}

private final class Counter: Sendable {
    let value = Atomic(0)
}
