// Keys in files.

import Messaging
import Platform
import Server

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files of CURVE keys: `NAME.key` holds a secret key that only its owner may read, `NAME.pub` the public one.
///
/// A line is a key in Z85 (40 characters), perhaps a blank and a name behind it. Lines that begin with `# ` or are
/// empty say nothing. A list of allowed keys has one public key a line; `role=worker`, `role=client` or
/// `role=supervisor` behind it says what its owner may do, and without a role that is all of it.
///
/// A file is taken only if nobody but its owner can have read a secret in it, or written it.
public enum KeyFiles {
    /// A list of keys may have so many bytes.
    private static let bytesMax = 4 << 20

    /// Makes a new pair, and writes `NAME.key` and `NAME.pub`.
    ///
    /// - Throws: `ProgramFailure` if one of them is there already, or cannot be written.
    public static func generate(name: String) throws -> CurvePublicKey {
        for path in [name + ".key", name + ".pub"] {
            var status = stat()
            guard lstat(path, &status) != 0 else {
                let shown = ForeignText.shown(path)
                throw ProgramFailure(
                    .usage,
                    "\(shown) is there already, and keys that others may rely on are never overwritten: choose another "
                        + "name, or move it away first: mv '\(shown)' '\(shown).old'")
            }
        }
        let pair = try CurveKeyPair.generate()
        let owner = name.split(separator: "/").last.map(String.init) ?? name
        try write(
            "# Secret key of Rondo. Whoever reads it can act as \(owner).\n\(pair.secretKey.text)\n", to: name + ".key",
            mode: 0o600)
        try write("\(pair.publicKey.text) \(owner)\n", to: name + ".pub", mode: 0o644)
        return pair.publicKey
    }

    /// The pair whose secret key a file holds.
    public static func pair(_ path: String) throws -> CurveKeyPair {
        let keys = try lines(path, .secret)
        guard keys.count == 1 else {
            throw ProgramFailure(
                .usage, "\(ForeignText.shown(path)): expected one secret key, found \(keys.count) keys")
        }
        return try CurveKeyPair(
            secretKey: reading(path, keys[0]) { text throws(MessagingError) in
                try CurveSecretKey(text)
            })
    }

    /// The public keys in a file.
    public static func publicKeys(_ path: String) throws -> [CurvePublicKey] {
        try lines(path, .list).map { line in
            try reading(path, line) { text throws(MessagingError) in try CurvePublicKey(text) }
        }
    }

    /// The public keys in a list, and what their owners may do. A key that is listed twice has both rights.
    public static func allowed(_ path: String) throws -> [CurvePublicKey: PeerRights] {
        var allowed: [CurvePublicKey: PeerRights] = [:]
        for line in try lines(path, .list) {
            let key = try reading(path, line) { text throws(MessagingError) in try CurvePublicKey(text) }
            allowed[key, default: []].formUnion(try role(line, path).rights)
        }
        return allowed
    }

    /// What a line of a list says of its key's owner.
    private static func role(_ line: Line, _ path: String) throws -> PeerRole {
        var role = PeerRole.any
        for word in line.remarks where word.hasPrefix("role=") {
            guard let named = PeerRole(rawValue: String(word.dropFirst("role=".count))) else {
                let known = PeerRole.allCases.map { "role=\($0.rawValue)" }.joined(separator: ", ")
                throw ProgramFailure(
                    .usage,
                    "\(ForeignText.shown(path)):\(line.number): '\(ForeignText.shown(word))' is no role; "
                        + "expected one of \(known)")
            }
            role = named
        }
        return role
    }

    private struct Line {
        var number: Int
        var key: String
        var remarks: [String]
    }

    private static func lines(_ path: String, _ content: KeyFileContent) throws -> [Line] {
        let bytes: [UInt8]
        do {
            let descriptor = try InputFile.open(path, .stream)
            defer { close(descriptor) }
            try content.requireSafe(descriptor, path)
            bytes = try InputFile.contents(of: descriptor, path, bytesMax: bytesMax)
        } catch let error as InputFileError {
            throw ProgramFailure(.usage, "\(error); 'rondo keygen NAME' makes keys")
        }
        if let other = TextEncoding.other(bytes) {
            throw ProgramFailure(.usage, "\(ForeignText.shown(path)): in \(other); convert it to UTF-8")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.enumerated().compactMap { number, line in
            let words = line.drop { $0 == "\u{FEFF}" }.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let key = words.first, key != "#" else { return nil }
            return Line(number: number + 1, key: key, remarks: Array(words.dropFirst()))
        }
    }

    private static func reading<Key>(
        _ path: String, _ line: Line, _ read: (String) throws(MessagingError) -> Key
    ) throws -> Key {
        do {
            return try read(line.key)
        } catch .malformedKey(let reason) {
            throw ProgramFailure(.usage, "\(ForeignText.shown(path)):\(line.number): not a key: \(reason)")
        }
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        // Never in place of a key that somebody may still need.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw ProgramFailure(
                .usage, "\(ForeignText.shown(path)): cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        // Whatever the program's mask is: public keys are for others.
        fchmod(descriptor, mode)
        let bytes = Array(text.utf8)
        guard writeAll(descriptor, bytes) == bytes.count else {
            throw ProgramFailure(.storage, "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Int { write(descriptor, bytes, bytes.count) }
