// What the tests of Checkpoints share: folders of their own, a seeded generator, and a disk that fails or stops.

import FoundationEssentials
import Synchronization

@testable import Checkpoints

/// A folder that exists as long as this object does.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/rondo-checkpoints-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { path + "/" + name }

    func read(_ name: String) throws -> [UInt8] { try readBytes(path(name)) }

    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws {
        let folder = path(name).split(separator: "/", omittingEmptySubsequences: false).dropLast()
        try FileManager.default.createDirectory(
            atPath: folder.joined(separator: "/"), withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path(name)))
    }

    /// Every name in the folder and the folders in it.
    func hiddenEntries() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).filter { path in
            path.split(separator: "/").contains { $0.hasPrefix(".") }
        }
    }

    func change(_ name: String, _ body: (inout [UInt8]) -> Void) throws {
        var bytes = try read(name)
        body(&bytes)
        try write(name, bytes)
    }
}

func readBytes(_ path: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(filePath: path)))
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to choose mutations.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// A disk that records what is done to it, and fails or stops at a chosen call.
final class TroubledDisk: Sendable {
    enum Trouble {
        /// Only the call with this number fails.
        case failure(at: Int, code: Int32)
        /// Every call of this kind fails with this error number, as on a file system that does not know it.
        case unsupported(@Sendable (FileSystemStep) -> Bool, code: Int32)
        /// From the call with this number on nothing happens any more, as after a kill; a write at that moment is cut.
        case stop(at: Int)
    }

    private let trouble: Trouble?
    private let taken = Mutex<[FileSystemStep]>([])

    init(_ trouble: Trouble? = nil) { self.trouble = trouble }

    var steps: [FileSystemStep] { taken.withLock { $0 } }

    /// Whether the trouble has come.
    var hasStruck: Bool {
        switch trouble {
        case nil: false
        case .unsupported(let isMeant, _): steps.contains(where: isMeant)
        case .failure(let at, _), .stop(let at): steps.count > at
        }
    }

    var fileSystem: FileSystem {
        FileSystem { step in
            let number = self.taken.withLock { steps in
                steps.append(step)
                return steps.count - 1
            }
            switch self.trouble {
            case .failure(let at, let code) where number == at: return .fail(code)
            case .unsupported(let isMeant, let code) where isMeant(step): return .fail(code)
            case .stop(let at) where number == at:
                if case .write(_, let byteCount) = step { return .writePart(byteCount / 2, 5) }
                return .fail(5)
            case .stop(let at) where number > at: return .fail(5)
            default: return .proceed
            }
        }
    }
}

/// A small checkpoint; `value` tells one from another.
func smallCheckpoint(_ value: Float) -> CheckpointDraft.Contents {
    { draft throws(CheckpointError) in
        try draft.add(CheckpointFile.run, bytes: Array("{\"value\":\(value)}".utf8))
        try draft.addTensors(
            CheckpointFile.model,
            [TensorDeclaration("decoder.bias", shape: [3]), TensorDeclaration("decoder.weight", shape: [2, 3])]
        ) { tensor, writer throws(CheckpointError) in
            for _ in 0..<tensor.count { try writer.append([value]) }
        }
    }
}

/// The value that tells small checkpoints apart, after every file of it was verified.
func value(of folder: CheckpointFolder) throws -> Float {
    guard folder.verify().isEmpty else { throw CheckpointError.damaged(path: folder.path, faults: folder.verify()) }
    let values = try folder.tensors(CheckpointFile.model).readFloats("decoder.weight", shape: [2, 3])
    return Set(values).count == 1 ? values[0] : .nan
}
