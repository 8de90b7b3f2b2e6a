// Random damage to safetensors files and manifests: a value or a typed error each time, never a trap.

import Testing

@testable import Checkpoints

@Suite("Fuzzed input")
struct SafetensorsFuzzTests {
    /// One random change of a kind that upsets decoders: bits, lengths, numbers, pieces taken out, doubled or swapped.
    static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &generator)) }
        // Mostly in the header, where the structure is.
        let header = min(bytes.count, 8 + Int(bytes.first ?? 0) + Int(bytes.count > 1 ? bytes[1] : 0) << 8)
        let reach = Bool.random(using: &generator) ? max(1, header) : bytes.count
        let place = Int.random(in: 0..<reach, using: &generator)
        let length = min(bytes.count - place, Int.random(in: 0...20, using: &generator))
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.removeLast(bytes.count - place)
        case 3: bytes.removeSubrange(place..<place + length)
        case 4:
            bytes.insert(
                contentsOf: bytes[place..<place + length], at: Int.random(in: 0...bytes.count, using: &generator))
        case 5:
            let words = [
                "null", "-1", "1e400", "1.0", "18446744073709551616", "9223372036854775807", "{}", "[[[[",
                "\"\\ud800\"", "F64", "__metadata__", "\u{0}", "}",
            ]
            bytes.insert(contentsOf: Array((words.randomElement(using: &generator) ?? "").utf8), at: place)
        case 6:
            if let digit = bytes[place...].firstIndex(where: { (0x30...0x39).contains($0) }) {
                bytes[digit] = UInt8.random(in: 0x30...0x39, using: &generator)
            }
        case 7:
            let lengthField = UInt64.random(in: 0...UInt64(bytes.count + 9), using: &generator)
            for index in 0..<min(8, bytes.count) {
                bytes[index] = UInt8(truncatingIfNeeded: lengthField >> (8 * index))
            }
        default:
            for index in 0..<min(8, bytes.count) { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
        }
    }

    @Test("any damage to a safetensors file gives a sound header or a typed error")
    func safetensors() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("SafetensorsFuzzTests.safetensors seed \(seed)")
        var generator = SeededGenerator(state: seed)
        let original = try readBytes(SafetensorsTests.fixture)
        var refused = 0
        for round in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.mutate(&bytes, &generator) }
            do {
                let file = try bytes.withUnsafeBytes { try SafetensorsFile(bytes: $0, name: "fuzzed") }
                try Self.expectSound(file, of: bytes, "seed \(seed) round \(round)")
            } catch let error as CheckpointError {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        #expect(refused > 10_000)
    }

    /// Every tensor lies in the file, after the one before it, and can be read.
    static func expectSound(_ file: SafetensorsFile, of bytes: [UInt8], _ comment: Comment) throws {
        var end = file.header.byteCount
        for tensor in file.tensors {
            #expect(tensor.byteRange.lowerBound == end, comment)
            #expect(tensor.byteRange.count == tensor.shape.reduce(tensor.type.elementBytes, *), comment)
            end = tensor.byteRange.upperBound
            #expect(file.withBytes(of: tensor) { Array($0) } == Array(bytes[tensor.byteRange]), comment)
            if tensor.type == .float32 { #expect(try file.readFloats(tensor.name).count == tensor.count, comment) }
        }
        #expect(end == bytes.count, comment)
    }

    @Test("random bytes give a typed error")
    func noise() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("SafetensorsFuzzTests.noise seed \(seed)")
        var generator = SeededGenerator(state: seed)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            #expect(throws: SafetensorsError.self, "seed \(seed)") { try decode(bytes) }
        }
    }

    @Test("deep nesting is refused, not followed")
    func nesting() {
        let json = #"{"a":"# + String(repeating: "[", count: 1_000_000)
        #expect(throws: SafetensorsError.self) { try decode(SafetensorsTests.file(json, dataBytes: 0)) }
    }

    @Test("any damage to a manifest gives another manifest, the same one written otherwise, or a typed error")
    func manifest() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("SafetensorsFuzzTests.manifest seed \(seed)")
        var generator = SeededGenerator(state: seed)
        let digest = Array("abc".utf8).withUnsafeBytes { FileDigest(of: $0) }
        let manifest = Manifest(files: ["model.safetensors": digest, "run.json": digest, "ü \"quoted\"": digest])
        let original = manifest.encoded()
        #expect(try Manifest(decoding: original) == manifest)
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) { Self.mutate(&bytes, &generator) }
            // Another digest or size is still a manifest: it disagrees with the files instead.
            guard let decoded = try? Manifest(decoding: bytes) else { continue }
            #expect(decoded == manifest || decoded != manifest && bytes != original, "seed \(seed)")
        }
    }
}
