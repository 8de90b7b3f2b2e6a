// Why a peer will never talk to us.

/// Watches the events of a connecting socket for a handshake that cannot succeed, however often it is tried.
///
/// A server that cannot read what a client sends, because the client was given another server's key, closes the
/// connection without a word: several such ends in a row, and no success before them, count as an answer too.
public struct HandshakeWatch: Sendable {
    private static let wordlessEndsMax = 3

    private let isEncrypted: Bool
    private var keysFit: Bool
    private var refusal: String?
    private var wordlessEnds = 0

    /// A watch for a socket that encrypts, or does not.
    ///
    /// - Parameter keysFit: whether a handshake with this server has succeeded before, on another socket perhaps: then
    ///   a connection that ends without a word says nothing of keys.
    public init(isEncrypted: Bool, keysFit: Bool = false) { (self.isEncrypted, self.keysFit) = (isEncrypted, keysFit) }

    /// Notes an event.
    public mutating func note(_ event: MonitorEvent.Kind) {
        switch event {
        case .handshakeSucceeded: (refusal, wordlessEnds, keysFit) = (nil, 0, true)
        case .handshakeFailed(.connection), .disconnected: wordlessEnds += 1
        case .handshakeFailed(let failure): refusal = failure.explanation(isEncrypted: isEncrypted)
        default: break
        }
    }

    /// Whether nothing was said, so that only the ends of the connections hint at a wrong key.
    public var isWordless: Bool {
        refusal == nil && isEncrypted && !keysFit && wordlessEnds >= Self.wordlessEndsMax
    }

    /// What is wrong and what to do; `nil` while trying again may help.
    public var explanation: String? {
        if let refusal { return refusal }
        guard isWordless else { return nil }
        return "the server ends every connection: it has another key than the one given by --server-key"
    }
}
