// Who may come in.

import Messaging

/// The keys of a server that encrypts its connections.
public struct ServerKeys: Sendable {
    /// The server's own. All servers of a run have the same.
    public var pair: CurveKeyPair
    /// The public keys of workers and clients that may come in.
    public var allowed: Set<CurvePublicKey>

    /// Keys.
    public init(pair: CurveKeyPair, allowed: Set<CurvePublicKey>) {
        self.pair = pair
        self.allowed = allowed
    }

    /// As a primary connects to its partition servers.
    var client: CurveRole { .client(serverKey: pair.publicKey, keys: pair) }
}
