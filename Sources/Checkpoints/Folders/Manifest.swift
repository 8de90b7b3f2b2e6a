// The manifest of a checkpoint: size and SHA-256 of each file.

import FoundationEssentials
import Platform

/// What a checkpoint consists of, as `manifest.json` has it.
public struct Manifest: Equatable, Sendable {
    /// Size and SHA-256 of each file but the manifest, by name.
    public internal(set) var files: [String: FileDigest]

    static let format = "rondo-checkpoint"
    static let version = 1
    static let bytesMax = 1 << 20

    init(files: [String: FileDigest]) {
        self.files = files
    }

    /// Whether a checkpoint may hold a file of this name: visible, in the folder itself, and not the manifest.
    static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 200 && !name.hasPrefix(".") && name != CheckpointFile.manifest
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
    }

    /// The file's bytes: JSON, one file a line, sorted by name. Equal manifests give equal bytes.
    public func encoded() -> [UInt8] {
        let lines = files.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { name, digest in
            "    \(JSONText.quoted(name)): {\"size\": \(digest.size), \"sha256\": \(JSONText.quoted(digest.sha256))}"
        }
        let text = """
            {
              "format": "\(Self.format)",
              "version": \(Self.version),
              "files": {
            \(lines.joined(separator: ",\n"))
              }
            }

            """
        return Array(text.utf8)
    }

    /// Decodes a manifest. Total; accepts any JSON that says the same, as other programs write it. A change of what it
    /// says is noticed where it matters: a size or digest then disagrees with the file, a name with the folder.
    public init(decoding bytes: [UInt8]) throws(CheckpointFault) {
        let file = CheckpointFile.manifest
        let raw: RawManifest
        do {
            raw = try JSONDocument.decode(RawManifest.self, from: bytes)
        } catch {
            throw .unreadable(file: file, reason: JSONProblem(error).description)
        }
        guard raw.format == Self.format, raw.version == Self.version else {
            let reason =
                "expected \(Self.format) version \(Self.version), found \(ForeignText.shown(raw.format)) "
                + "version \(raw.version)"
            throw .unreadable(file: file, reason: reason)
        }
        for name in raw.files.keys where !Self.isFileName(name) {
            throw .unreadable(file: file, reason: "'\(ForeignText.shown(name))' is not a file name")
        }
        self.init(files: raw.files.mapValues { FileDigest(size: $0.size, sha256: $0.sha256.lowercased()) })
    }
}

private struct RawManifest: Decodable {
    struct Entry: Decodable {
        var size: Int
        var sha256: String
    }

    var format: String
    var version: Int
    var files: [String: Entry]
}
