// Who may come in.

import Messaging

/// The keys of a server that encrypts its connections.
public struct ServerKeys: Sendable {
    /// The server's own. All servers of a run have the same: its owner leads partition servers.
    public var pair: CurveKeyPair
    /// The public keys of those that may come in, and what they may do.
    public var allowed: [CurvePublicKey: PeerRights]
    /// Reads the list anew when a key was refused; `nil` if it has not changed. Runs on a thread of its own.
    public var reread: (@Sendable () -> [CurvePublicKey: PeerRights]?)?

    /// Keys.
    public init(
        pair: CurveKeyPair, allowed: [CurvePublicKey: PeerRights],
        reread: (@Sendable () -> [CurvePublicKey: PeerRights]?)? = nil
    ) {
        self.pair = pair
        self.allowed = allowed
        self.reread = reread
    }

    /// As a primary connects to its partition servers.
    var client: CurveRole { .client(serverKey: pair.publicKey, keys: pair) }

    /// What each key may do, by its text; the server's own may do everything.
    func rights(_ allowed: [CurvePublicKey: PeerRights]) -> [String: PeerRights] {
        var rights = [pair.publicKey.text: PeerRights.everything]
        for (key, right) in allowed where key != pair.publicKey { rights[key.text] = right }
        return rights
    }
}
