// The safetensors format: what Python wrote is read, what is written is what Python writes, and bad bytes are named.

import Testing

@testable import Checkpoints

@Suite("Safetensors")
struct SafetensorsTests {
    /// Written by `scripts/make-safetensors-fixture.py`.
    static let fixture =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        + "/Fixtures/pytorch.safetensors"

    static let declarations = [
        TensorDeclaration("rnn.weight_ih_l0", shape: [4, 3]),
        TensorDeclaration("rnn.bias_ih_l0", shape: [4]),
        TensorDeclaration("scalar", shape: []),
        TensorDeclaration("empty", shape: [0, 5]),
        TensorDeclaration("doubles", type: .float64, shape: [3]),
        TensorDeclaration("counts", type: .int64, shape: [2]),
        TensorDeclaration("bytes", type: .uint8, shape: [3]),
        TensorDeclaration("quoted \"ü\"\n\u{01}", shape: [1]),
    ]

    /// The fixture's values, computed again.
    static func contents(_ tensor: TensorDescription, _ writer: inout SafetensorsWriter) throws(CheckpointError) {
        func appendRaw<Element>(_ values: [Element]) throws(CheckpointError) {
            try values.withUnsafeBufferPointer { values throws(CheckpointError) in
                try writer.append(UnsafeRawBufferPointer(values))
            }
        }
        switch tensor.name {
        case "rnn.weight_ih_l0": for index in 0..<12 { try writer.append([Float(index) * 0.25 - 1]) }
        case "rnn.bias_ih_l0": try writer.append((0..<4).map { Float($0) - 0.5 })
        case "scalar": try writer.append([3.5])
        case "doubles": try appendRaw((0..<3).map { Double($0) / 3 })
        case "counts": try appendRaw([Int64(-1), 1 << 40])
        case "bytes": try appendRaw([UInt8(0), 127, 255])
        case "empty": break
        default: try writer.append([1])
        }
    }

    @Test("a file of the Python package is read, mapped or in memory", arguments: [false, true])
    func readsPython(inMemory: Bool) throws {
        let file = try SafetensorsFile(path: Self.fixture, inMemory: inMemory)
        #expect(file.metadata == ["format": "pt"])
        #expect(Set(file.tensors.map(\.name)) == Set(Self.declarations.map(\.name)))
        #expect(try file.readFloats("rnn.weight_ih_l0", shape: [4, 3]) == (0..<12).map { Float($0) * 0.25 - 1 })
        #expect(try file.readFloats("rnn.bias_ih_l0") == [-0.5, 0.5, 1.5, 2.5])
        #expect(try file.readFloats("scalar", shape: []) == [3.5])
        #expect(try file.readFloats("empty", shape: [0, 5]) == [])
        let counts = try file.tensor("counts", type: .int64, shape: [2])
        #expect(file.withBytes(of: counts) { Array($0.bindMemory(to: Int64.self)) } == [-1, 1 << 40])
        let bytes = try file.tensor("bytes", type: .uint8)
        #expect(file.withBytes(of: bytes) { Array($0) } == [0, 127, 255])
    }

    @Test("floats are read straight into the caller's memory")
    func readsIntoPlace() throws {
        let file = try SafetensorsFile(path: Self.fixture)
        var values = [Float](repeating: 9, count: 4)
        try values.withUnsafeMutableBufferPointer { values throws(CheckpointError) in
            try file.readFloats("rnn.bias_ih_l0", shape: [4], into: values)
        }
        #expect(values == [-0.5, 0.5, 1.5, 2.5])
        #expect(throws: CheckpointError.self) {
            try values.withUnsafeMutableBufferPointer { try file.readFloats("scalar", into: $0) }
        }
    }

    @Test("the same tensors give the very bytes that the Python package writes")
    func writesAsPython() throws {
        let folder = try TemporaryFolder()
        let digest = try SafetensorsWriter.write(
            to: folder.path("a.safetensors"), tensors: Self.declarations, metadata: ["format": "pt"],
            contents: Self.contents)
        let bytes = try folder.read("a.safetensors")
        #expect(try bytes == readBytes(Self.fixture))
        #expect(bytes.withUnsafeBytes { FileDigest(of: $0) } == digest)
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("a digest is the SHA-256 of the file")
    func knownDigest() {
        let digest = Array("abc".utf8).withUnsafeBytes { FileDigest(of: $0) }
        #expect(digest.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("a request for what the file does not hold says what it holds")
    func wrongRequests() throws {
        let file = try SafetensorsFile(path: Self.fixture)
        let path = Self.fixture
        #expect(throws: CheckpointError.safetensors(path: path, .noTensor(name: "x"))) { try file.readFloats("x") }
        let shape = SafetensorsError.shape(tensor: "rnn.weight_ih_l0", expected: [3, 4], found: [4, 3])
        #expect(throws: CheckpointError.safetensors(path: path, shape)) {
            try file.readFloats("rnn.weight_ih_l0", shape: [3, 4])
        }
        let type = SafetensorsError.type(tensor: "counts", expected: .float32, found: .int64)
        #expect(throws: CheckpointError.safetensors(path: path, type)) { try file.readFloats("counts") }
        #expect(throws: CheckpointError.notFound(path: "/nowhere/x")) { try SafetensorsFile(path: "/nowhere/x") }
        #expect(throws: CheckpointError.self) { try SafetensorsFile(path: "/") }
    }

    @Test(
        "invalid declarations are refused before anything is written",
        arguments: [
            (
                [TensorDeclaration("a", shape: [1]), TensorDeclaration("a", shape: [2])],
                SafetensorsError.invalidName(tensor: "a")
            ),
            ([TensorDeclaration("__metadata__", shape: [1])], .invalidName(tensor: "__metadata__")),
            ([TensorDeclaration("a", shape: [-1])], .invalidShape(tensor: "a", shape: [-1])),
            (
                [TensorDeclaration("a", shape: [1 << 40, 1 << 40])],
                .invalidShape(tensor: "a", shape: [1 << 40, 1 << 40])
            ),
        ])
    func invalidDeclarations(tensors: [TensorDeclaration], error: SafetensorsError) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("a.safetensors")
        #expect(throws: CheckpointError.safetensors(path: path, error)) {
            try SafetensorsWriter.write(to: path, tensors: tensors) { _, _ throws(CheckpointError) in }
        }
        #expect(Paths.kind(path) == nil)
    }

    @Test("a tensor given too few or too many bytes is named, and nothing is left", arguments: [1, 3])
    func wrongByteCount(count: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("a.safetensors")
        let error = SafetensorsError.size(tensor: "b", expected: 8, found: 4 * count)
        #expect(throws: CheckpointError.safetensors(path: path, error)) {
            try SafetensorsWriter.write(
                to: path, tensors: [TensorDeclaration("a", shape: [1]), TensorDeclaration("b", shape: [2])]
            ) { tensor, writer throws(CheckpointError) in
                try writer.append([Float](repeating: 0, count: tensor.name == "a" ? 1 : count))
            }
        }
        #expect(try folder.hiddenEntries().isEmpty)
        #expect(Paths.kind(path) == nil)
    }

    static let tensor = #"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

    @Test(
        "each way to be invalid has its error",
        arguments: [
            (#"{"a":\#(tensor)"#, 8, nil as SafetensorsError?),
            (#"["a"]"#, 0, nil), (#"{"a":1}"#, 0, nil), (#"{"a":{"dtype":"F32"}}"#, 0, nil), ("", 0, nil),
            ("{\u{0}}", 0, .header(reason: "its header holds control characters")),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99999999999999999999]}}"#, 8, nil),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, 8, nil),
            (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, .invalidShape(tensor: "a", shape: [-2])),
            (#"{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}"#, 8, .unknownType(tensor: "a", type: "F33")),
            (
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8,
                .misplaced(tensor: "a", expected: 8, found: 0)
            ),
            (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, .size(tensor: "a", expected: 12, found: 8)),
            (
                #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12,
                .misplaced(tensor: "a", expected: 0, found: 4)
            ),
            (#"{"a":\#(tensor),"a":\#(tensor)}"#, 8, .header(reason: "a tensor is described twice")),
            (#"{"a":\#(tensor),"b":\#(tensor)}"#, 8, .misplaced(tensor: "b", expected: 8, found: 0)),
            (#"{"a":\#(tensor)}"#, 9, .dataSize(expected: 8, found: 9)),
            (#"{"a":\#(tensor)}"#, 7, .dataSize(expected: 8, found: 7)),
            (#"{"__metadata__":{"a":1},"a":\#(tensor)}"#, 8, nil),
        ])
    func invalid(json: String, dataBytes: Int, expected: SafetensorsError?) {
        let bytes = Self.file(json, dataBytes: dataBytes)
        let error = #expect(throws: SafetensorsError.self) { try decode(bytes) }
        if let expected { #expect(error == expected) } else { #expect(error?.isAboutHeader == true) }
    }

    @Test("a valid header with odd but legal parts is accepted")
    func legal() throws {
        let json =
            #" {"é":{"shape":[2],"x":[1],"dtype":"F32","data_offsets":[0,8]},"#
            + #""e":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}}  "#
        let header = try decode(Self.file(json, dataBytes: 8))
        #expect(header.tensors.map(\.name) == ["é", "e"])
        #expect(try decode(Self.file("{}", dataBytes: 0)).tensors.isEmpty)
    }

    @Test("a header of an absurd length takes no memory")
    func absurdLength() {
        let bytes = [UInt8](repeating: 0xFF, count: 64)
        #expect(throws: SafetensorsError.headerTooLong(bytes: .max, limit: SafetensorsHeader.jsonBytesMax)) {
            try decode(bytes)
        }
        #expect(throws: SafetensorsError.truncated(expected: 1008, found: 64)) {
            try decode(withUnsafeBytes(of: UInt64(1000).littleEndian, Array.init) + [UInt8](repeating: 0, count: 56))
        }
    }

    static func file(_ json: String, dataBytes: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian, Array.init) + Array(json.utf8)
            + [UInt8](repeating: 0, count: dataBytes)
    }
}

func decode(_ bytes: [UInt8]) throws(SafetensorsError) -> SafetensorsHeader {
    try bytes.withUnsafeBufferPointer { bytes throws(SafetensorsError) in
        try SafetensorsHeader(decoding: UnsafeRawBufferPointer(bytes), fileBytes: bytes.count)
    }
}

extension SafetensorsError {
    fileprivate var isAboutHeader: Bool {
        if case .header = self { true } else { false }
    }
}
