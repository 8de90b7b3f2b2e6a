// Keys in files, and the options that name them.

import ArgumentParser
import Messaging

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
/// empty say nothing. A list of allowed keys has one public key a line.
public enum KeyFiles {
    /// Makes a new pair, and writes `NAME.key` and `NAME.pub`.
    ///
    /// - Throws: `ProgramFailure` if one of them is there already, or cannot be written.
    public static func generate(name: String) throws -> CurvePublicKey {
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
        let keys = try lines(path)
        guard keys.count == 1 else {
            throw ProgramFailure(.usage, "\(path): expected one secret key, found \(keys.count) keys")
        }
        return try CurveKeyPair(
            secretKey: reading(path, keys[0]) { text throws(MessagingError) in
                try CurveSecretKey(text)
            })
    }

    /// The public keys in a file.
    public static func publicKeys(_ path: String) throws -> [CurvePublicKey] {
        try lines(path).map { line in
            try reading(path, line) { text throws(MessagingError) in try CurvePublicKey(text) }
        }
    }

    private static func lines(_ path: String) throws -> [(number: Int, key: String)] {
        guard let bytes = FileText.bytes(path) else {
            throw ProgramFailure(
                .usage, "\(path): cannot be read: \(String(cString: strerror(errno))); 'rondo keygen NAME' makes keys")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { number, line in
            guard !line.hasPrefix("# "), let key = line.split(whereSeparator: \.isWhitespace).first else { return nil }
            return (number + 1, String(key))
        }
    }

    private static func reading<Key>(
        _ path: String, _ line: (number: Int, key: String), _ read: (String) throws(MessagingError) -> Key
    ) throws -> Key {
        do {
            return try read(line.key)
        } catch .malformedKey(let reason) {
            throw ProgramFailure(.usage, "\(path):\(line.number): not a key: \(reason)")
        }
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        // Never in place of a key that somebody may still need.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw ProgramFailure(.usage, "\(path): cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard writeAll(descriptor, bytes) == bytes.count else {
            throw ProgramFailure(.internalError, "\(path): cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}

private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Int { write(descriptor, bytes, bytes.count) }

/// `--key FILE --server-key FILE`: who connects, and whom it expects there.
public struct ClientKeyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Encrypt, and show this key: NAME.key of 'rondo keygen NAME'.", valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp("The public key of the server: its NAME.pub. Needed with --key.", valueName: "file"))
    var serverKey: String?

    /// Options that the parser fills in.
    public init() {}

    /// Both or neither.
    public func validate() throws {
        guard (key == nil) == (serverKey == nil) else {
            throw ValidationError("Give both --key FILE and --server-key FILE, or neither")
        }
    }

    /// The client's part in encryption; `nil` for none.
    public func role() throws -> CurveRole? {
        guard let key, let serverKey else { return nil }
        let servers = try KeyFiles.publicKeys(serverKey)
        guard servers.count == 1 else {
            throw ProgramFailure(.usage, "\(serverKey): expected one public key, found \(servers.count)")
        }
        return .client(serverKey: servers[0], keys: try KeyFiles.pair(key))
    }
}
