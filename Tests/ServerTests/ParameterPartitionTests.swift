// Parameters in one piece and in several: the same bits.

import Messaging
import Numerics
import Optimization
import Testing
import WireProtocol

@testable import Server

/// A push of random gradients of all shards of a chunk.
private func push(
    _ chunk: Int, _ layout: ParameterLayout, step: Int, shards: Int, _ random: inout SplitMix
) -> (header: WirePush, rows: [UInt32], values: [Float]) {
    let place = layout.chunks[chunk]
    let tensor = layout.tensors[place.tensor]
    var header = WirePush()
    header.sum = UInt64(step)
    header.chunk = UInt32(chunk)
    header.node.upper = UInt32(shards)
    header.isSparse = tensor.isRowSparse
    let rows = tensor.isRowSparse ? place.rows.filter { _ in random.next() % 2 == 0 } : Array(place.rows)
    header.sparseRows = tensor.isRowSparse ? UInt32(rows.count) : 0
    let values = (0..<rows.count * tensor.columns).map { _ in Float.random(in: -1...1, using: &random) }
    return (header, tensor.isRowSparse ? rows.map { UInt32($0) } : [], values)
}

private func frames(_ rows: [UInt32], _ values: [Float]) -> FrameList {
    var frames = FrameList()
    if !rows.isEmpty { frames.append(Frame(copyingElements: rows)) }
    if !values.isEmpty { frames.append(Frame(copyingElements: values)) }
    return frames
}

@Test("the chunks of a part of a layout are those of the whole", arguments: 1...100)
func partsOfLayouts(seed: UInt64) {
    var random = SplitMix(state: seed)
    let layout = randomLayout(&random)
    let lower = Int.random(in: 0..<layout.chunks.count, using: &random)
    let upper = Int.random(in: lower + 1...layout.chunks.count, using: &random)
    let part = layout.part(lower..<upper)
    #expect(part.chunks.map(\.elements.count) == layout.chunks[lower..<upper].map(\.elements.count), "seed \(seed)")
    #expect(part.chunks.map(\.rows.count) == layout.chunks[lower..<upper].map(\.rows.count), "seed \(seed)")
    #expect(part.count <= layout.count)
}

@Test("parameters in several partitions go through the same norms, weights and moments", arguments: 1...8)
func dividedParameters(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let layout = randomLayout(&random)
    let all = layout.chunks.indices
    let cut = Int.random(in: 1..<max(2, all.count), using: &random)
    let ranges = all.count > 1 ? [0..<cut, cut..<all.count] : [0..<all.count]
    func partition(_ chunks: Range<Int>) -> ParameterPartition {
        ParameterPartition(
            layout: layout, chunks: chunks, shards: 4, version: 3, precision: .single, clock: ServerClock(.other))
    }
    let whole = partition(all)
    let parts = ranges.map(partition)
    let peers = try PeerSocket(
        "tcp://127.0.0.1:*", isInsecure: false, in: Context(), clock: ServerClock(.other))
    for step in 3..<6 {
        for chunk in all.shuffled(using: &random) {
            let (header, rows, values) = push(chunk, layout, step: step, shards: 4, &random)
            let span = ShardRange(0, 4)
            for owner in [whole] + parts where owner.chunks.contains(chunk) {
                let verdict = owner.accept(header, frames: frames(rows, values), within: span, memory: nil)
                #expect(verdict == (owner.isReduced(step) ? .completed : .accepted), "seed \(seed)")
                let again = owner.accept(header, frames: frames(rows, values), within: span, memory: nil)
                #expect(again == .duplicate, "seed \(seed)")
            }
        }
        #expect(parts.flatMap { $0.normPartials(of: step) } == whole.normPartials(of: step), "seed \(seed)")
        let adam = AdamConfiguration(rate: 0.1).step(update: step + 1, gradientScale: 0.5)
        for owner in [whole] + parts { owner.apply(step, adam, to: [], over: peers) }
        for part in parts {
            for chunk in part.chunks {
                for kind in ParameterKind.allCases {
                    let (ours, theirs) = (part.store.values(kind, chunk: chunk), whole.store.values(kind, chunk: chunk))
                    #expect(ours.elements == theirs.elements, "seed \(seed), step \(step), chunk \(chunk)")
                }
            }
        }
    }
}

@Test("pushes of impossible shape are refused, whatever they hold", arguments: 1...60)
func impossiblePushes(seed: UInt64) {
    var random = SplitMix(state: seed)
    let layout = randomLayout(&random)
    let partition = ParameterPartition(
        layout: layout, chunks: layout.chunks.indices, shards: 4, version: 0, precision: .single,
        clock: ServerClock(.other))
    var accepted = 0
    for _ in 0..<20 {
        var header = WirePush()
        header.sum = random.next() % 4 == 0 ? random.next() : 0
        header.chunk = random.next() % 4 == 0 ? UInt32.random(in: 0...UInt32.max, using: &random) : 0
        header.node.lower = UInt32.random(in: 0...6, using: &random)
        header.node.upper = random.next() % 9 == 0 ? .max : UInt32.random(in: 0...6, using: &random)
        header.isSparse = random.next() % 2 == 0
        header.isShared = random.next() % 4 == 0
        header.sharedOffset = random.next()
        header.sparseRows = random.next() % 4 == 0 ? .max : UInt32.random(in: 0...4, using: &random)
        var frames = FrameList()
        for _ in 0..<random.next() % 4 {
            frames.append(Frame(copying: (0..<Int(random.next() % 100)).map { _ in UInt8(random.next() & 255) }))
        }
        let verdict = partition.accept(header, frames: frames, within: ShardRange(0, 4), memory: nil)
        if verdict == .accepted || verdict == .completed { accepted += 1 }
    }
    #expect(accepted <= 20)
}

/// A few tensors, some of them so large that they have several chunks.
func randomLayout(_ random: inout SplitMix) -> ParameterLayout {
    var layout = ParameterLayout()
    for index in 0..<Int.random(in: 1...5, using: &random) {
        let columns = [1, 3, 16, 5000, 100_000].randomElement(using: &random)!
        let rows = Int.random(in: 1...(columns > 100 ? 1_200_000 / columns : 40), using: &random)
        let isVector = columns == 1
        layout.append(
            "tensor\(index)", isVector ? [rows] : [rows, columns],
            isRowSparse: !isVector && random.next() % 2 == 0)
    }
    return layout
}

/// A generator whose numbers are a function of its seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
