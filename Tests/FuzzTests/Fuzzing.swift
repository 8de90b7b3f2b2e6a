// How inputs are damaged: structured mutations of valid ones, and noise.

import Foundation
import Platform
import Testing

/// A small generator whose seed can be printed (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Valid inputs of one format, and what upsets its decoders.
struct Fuzzer {
    /// Valid inputs, which are damaged and mixed with each other.
    let samples: [[UInt8]]
    /// Pieces that mean something in the format: keywords, extremes of its numbers, brackets.
    let words: [[UInt8]]
    /// Every so many inputs one is random bytes.
    static let noiseEvery = 8

    init(_ samples: [[UInt8]], words: [String] = []) {
        self.samples = samples
        self.words =
            words.map { Array($0.utf8) } + [
                [0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80],
                [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0], [0xEF, 0xBB, 0xBF], [0xFF, 0xFE],
                [0, 0, 0, 0, 0, 0, 0xF0, 0x7F], [0, 0, 0, 0, 0, 0, 0xF8, 0x7F],
            ]
    }

    /// The words that upset readers of JSON and YAML.
    static let textWords = [
        "null", "-1", "0", "1e400", "1.0", "0.5e-400", "18446744073709551616", "9223372036854775807", "4294967296",
        "2147483648", "NaN", ".inf", "{}", "[]", "[[[[[[[[", "}", "]", ",", ":", "\"", "\\", "\\ud800", "\u{0}", "true",
        "&a ", "*a ", "!!binary ", "? ", "- ", "<<: ", "|", "\n", "\t", "#", "%", "---\n", "''", "\u{2028}", "ü", "𝄞",
    ]

    /// The next input: a valid one with one to four changes, or noise.
    func input(_ random: inout SplitMix) -> [UInt8] {
        if Int.random(in: 0..<Self.noiseEvery, using: &random) == 0 {
            return (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var bytes = sample(&random)
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes, &random) }
        return bytes
    }

    private func sample(_ random: inout SplitMix) -> [UInt8] { samples.randomElement(using: &random) ?? [] }

    private func change(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let length = min(bytes.count - place, Int.random(in: 1...40, using: &random))
        switch Int.random(in: 0..<11, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeLast(bytes.count - place)
        case 3: bytes.removeSubrange(place..<place + length)
        case 4:  // a section twice
            bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        case 5:  // a section elsewhere
            bytes.insert(
                contentsOf: bytes[place..<place + length], at: Int.random(in: 0...bytes.count, using: &random))
        case 6: bytes.insert(contentsOf: words.randomElement(using: &random) ?? [], at: place)
        case 7: bytes.replaceSubrange(place..<place + length, with: words.randomElement(using: &random) ?? [])
        case 8:  // another digit, if there is one
            if let digit = bytes[place...].firstIndex(where: { (0x30...0x39).contains($0) }) {
                bytes[digit] = UInt8.random(in: 0x30...0x39, using: &random)
            }
        case 9:  // an extreme where a number of 8 bytes may be
            let number: UInt64 =
                [0, 1, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max, .max - 7].randomElement(using: &random) ?? 0
            for index in 0..<min(8, bytes.count - place) {
                bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
            }
        default:  // the start of one, the end of another
            let other = sample(&random)
            bytes = Array(bytes[..<place] + other[min(other.count, place)...])
        }
    }

    /// Feeds `count` inputs to `body`, which fails or returns; the seed of a failing input is part of the comment.
    ///
    /// A trap ends the whole process: the seed was printed before.
    func run(_ count: Int, _ name: String = #function, _ body: (_ input: [UInt8], _ comment: Comment) throws -> Void)
        rethrows
    {
        let given = ProcessInfo.processInfo.environment["RONDO_FUZZ_SEED"].flatMap { UInt64($0) }
        let seed = given ?? UInt64.random(in: 0...UInt64.max)
        print("\(name): \(count) inputs from RONDO_FUZZ_SEED=\(seed)")
        var random = SplitMix(state: seed)
        let before = CurrentProcess.residentBytes
        for number in 0..<count {
            try body(input(&random), "\(name): RONDO_FUZZ_SEED=\(seed), input \(number)")
        }
        // Inputs have a few kilobytes: whoever believes the sizes that they declare takes far more.
        #expect(CurrentProcess.residentBytes - before < 1 << 30, "\(name): RONDO_FUZZ_SEED=\(seed)")
    }
}

/// A folder that goes with the test.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("rondo-fuzz-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}
