// Frames alone: their memory, sharing, alignment, and boxes.

import Messaging
import Testing

@Suite("A frame")
struct FrameTests {
    @Test("holds a copy of bytes or text", arguments: [0, 1, 33, 34, 100_000])
    func copies(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let frame = Frame(copying: bytes)
        #expect(frame.count == count)
        #expect(frame.isEmpty == (count == 0))
        #expect(frame.bytes() == bytes)
        #expect(Frame(copying: "Δt").text() == "Δt")
        #expect(Frame(copying: [0xFF]).text() == nil)
        #expect(Frame().isEmpty == true)
    }

    @Test("of aligned memory begins at a multiple of 64", arguments: [0, 1, 4, 1000, 1 << 20])
    func isAligned(count: Int) {
        var frame = Frame(alignedByteCount: count)
        #expect(frame.count == count)
        #expect(frame.isAligned(to: 64) == true)
        let copied = frame.align()
        #expect(!copied)
    }

    @Test("is moved to an aligned place when it does not lie at one, with all its bytes")
    func aligns() {
        // Lent memory at an odd address.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 101, alignment: 64)
        for index in memory.indices { memory[index] = UInt8(index) }
        let odd = UnsafeMutableRawBufferPointer(rebasing: memory[1...])
        nonisolated(unsafe) let lent = memory
        let released = Counter()
        var frame = Frame(lending: odd) {
            lent.deallocate()
            released.increment()
        }
        #expect(frame.isAligned(to: 4) == false)
        let copied = frame.align()
        #expect(copied)
        #expect(frame.isAligned(to: 64) == true)
        #expect(frame.bytes() == (1...100).map { UInt8($0) })
        #expect(released.value == 1)
    }

    @Test("gives lent memory back exactly once", arguments: [0, 8, 1 << 20])
    func releasesOnce(count: Int) {
        let released = Counter()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        nonisolated(unsafe) let lent = memory
        do {
            var frame = Frame(lending: memory) {
                lent.deallocate()
                released.increment()
            }
            let second = frame.share()
            let third = frame.share()
            _ = consume frame
            _ = consume second
            #expect(released.value == 0)
            _ = consume third
        }
        #expect(released.value == 1)
    }

    @Test("shares its bytes without copying them")
    func shares() {
        var frame = Frame(alignedByteCount: 4096)
        _ = frame.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 7) }
        #expect(frame.isShared == false)
        let second = frame.share()
        #expect(frame.isShared && second.isShared)
        let addresses = (
            frame.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) },
            second.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        )
        #expect(addresses.0 == addresses.1)
    }

    @Test("that was shared is copied before it changes")
    func copiesOnWrite() {
        for count in [8, 4096] {
            var frame = Frame(copying: [UInt8](repeating: 7, count: count))
            let second = frame.share()
            frame.withUnsafeMutableBytes { $0[0] = 1 }
            #expect(frame.bytes()[0] == 1)
            #expect(second.bytes() == [UInt8](repeating: 7, count: count))
        }
    }

    @Test("in a box is kept in a dictionary, summed in place, shared, and taken out")
    func box() {
        var waiting: [Int: FrameBox] = [:]
        for chunk in 0..<3 {
            var frame = Frame(alignedByteCount: 16)
            frame.withUnsafeMutableBytes { bytes in
                for index in 0..<4 { bytes.storeBytes(of: Float(chunk), toByteOffset: index * 4, as: Float.self) }
            }
            waiting[chunk] = FrameBox(frame)
        }
        waiting[2]?.withUnsafeMutableBytes { sum in
            waiting[1]?.withUnsafeBytes { other in
                for (index, value) in other.bindMemory(to: Float.self).enumerated() {
                    sum.bindMemory(to: Float.self)[index] += value
                }
            }
        }
        let box = waiting[2]!
        #expect(box.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == [3, 3, 3, 3])
        let shared = box.share()
        let taken = box.take()
        #expect(shared.bytes() == taken.bytes())
        #expect(box.count == 0)
    }

    @Test("list is taken apart in order and frees what is left")
    func list() {
        let released = Counter()
        do {
            var list = FrameList(Frame(copying: "a"))
            list.append(Frame(copying: "bc"))
            let memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            list.append(Frame(lending: memory) { released.increment() })
            #expect(list.count == 3)
            #expect(list.byteCount == 3)
            #expect(list.byteCount(at: 1) == 2)
            #expect(list.withUnsafeBytes(at: 1) { Array($0) } == Array("bc".utf8))
            let first = list.popFirst()
            #expect(first?.text() == "a")
            list.prepend(Frame(copying: "A"))
            list.prepend(Frame(copying: "0"))
            var copy = list.share()
            var texts: [String?] = []
            while let frame = copy.popFirst() { texts.append(frame.text()) }
            #expect(texts == ["0", "A", "bc", ""])
            #expect(copy.isEmpty && copy.popFirst() == nil)
            #expect(list.count == 4)
            #expect(released.value == 0)
        }
        #expect(released.value == 1)
    }
}
