// The options that name keys.

import ArgumentParser
import Messaging

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

    /// Whether keys are named.
    var isGiven: Bool { key != nil }

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
