// How the user's own clients reach a run: its endpoint, and a key that may look.

import Messaging
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How clients of the run's owner reach it. `rondo train` writes it into the run's directory, for the owner alone:
///
///     endpoint tcp://127.0.0.1:38967
///     server-key …
///     client-key …
public struct RunAccess: Sendable, Equatable {
    /// The name of the file in the run's directory.
    public static let fileName = "access"
    private static let bytesMax = 64 << 10

    /// Where the server listens.
    public var endpoint: Endpoint
    /// The client's part in encryption; `nil` for none.
    public var keys: CurveRole?

    /// Access to a run.
    public init(endpoint: Endpoint, keys: CurveRole?) {
        self.endpoint = endpoint
        self.keys = keys
    }

    /// Reads what `text` holds; `nil` if it is not whole.
    public init?(text: String) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2 { values[words[0]] = String(words[1]) }
        }
        guard let endpoint = values["endpoint"], let typed = try? Endpoint(typed: endpoint) else { return nil }
        self.endpoint = typed
        guard let serverKey = values["server-key"] else { return }
        guard let server = try? CurvePublicKey(serverKey), let secret = values["client-key"],
            let key = try? CurveSecretKey(secret), let pair = try? CurveKeyPair(secretKey: key)
        else { return nil }
        keys = .client(serverKey: server, keys: pair)
    }

    /// As it stands in the file.
    public var text: String {
        var lines = [
            "# How its owner's clients reach this run. The key lets its holder read the run's status and weights.",
            "endpoint \(endpoint)",
        ]
        if case .client(let serverKey, let pair)? = keys {
            lines += ["server-key \(serverKey.text)", "client-key \(pair.secretKey.text)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What the file in a run's directory says; `nil` where there is none.
    ///
    /// - Throws: `InputFileError` if it is there and cannot be read.
    public static func read(inDirectory directory: String) throws(InputFileError) -> RunAccess? {
        do {
            let bytes = try InputFile.contents("\(directory)/\(fileName)", .regular, bytesMax: bytesMax)
            return RunAccess(text: String(decoding: bytes, as: UTF8.self))
        } catch .system(_, ENOENT) {
            return nil
        } catch {
            throw error
        }
    }
}
