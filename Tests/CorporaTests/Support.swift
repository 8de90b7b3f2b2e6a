// What the tests of this module share: a directory of their own, and a generator with a seed that can be printed.

import Configuration
import Foundation

@testable import Corpora

/// A directory that is removed at the end of a test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("rondo-corpora-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The names of the files in it.
    func names(in folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
    }

    /// Writes a file and gives its path.
    func write(_ text: String, to name: String = "corpus.txt") throws -> String {
        try write(Array(text.utf8), to: name)
    }

    func write(_ bytes: [UInt8], to name: String = "corpus.txt") throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    /// Writes a token file and opens it.
    func tokens(_ tokens: [Int32], lines: [Int] = [], vocabularyCount: Int = 100) throws -> MappedTokens {
        let file = "\(path)/test.tokens"
        try MappedTokens.write(tokens, lines: lines, vocabularyCount: vocabularyCount, to: file)
        return try MappedTokens(path: file)
    }
}

/// A small generator whose seed can be printed (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    /// A generator with a new seed, which is printed with the name of the test.
    init(printing test: String = #function) {
        state = UInt64.random(in: .min ... .max)
        print("\(test) seed \(state)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A configuration for small texts: one lane of one token, one shard.
func smallConfiguration(
    _ data: DataConfiguration, batch: Int = 1, sequence: Int = 1, shards: Int = 1
) -> RunConfiguration {
    RunConfiguration(
        data: data, training: TrainingConfiguration(batch: batch, sequence: sequence, shards: shards))
}
