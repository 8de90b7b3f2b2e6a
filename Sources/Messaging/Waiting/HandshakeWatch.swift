// Why a peer will never talk to us.

import Platform

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
    private var wordlessSince: Double?
    private let wordlessSecondsMin: Double

    /// A watch for a socket that encrypts, or does not.
    ///
    /// - Parameters:
    ///   - keysFit: whether a handshake with this server has succeeded before, on another socket perhaps: then a
    ///     connection that ends without a word says nothing of keys.
    ///   - wordlessSecondsMin: for how long connections must end without a word before the keys are blamed: a network
    ///     that resets connections looks the same for a while.
    public init(isEncrypted: Bool, keysFit: Bool = false, wordlessSecondsMin: Double = 0) {
        (self.isEncrypted, self.keysFit) = (isEncrypted, keysFit)
        self.wordlessSecondsMin = wordlessSecondsMin
    }

    /// Notes an event.
    public mutating func note(_ event: MonitorEvent.Kind) {
        switch event {
        case .handshakeSucceeded: (refusal, wordlessEnds, keysFit, wordlessSince) = (nil, 0, true, nil)
        case .handshakeFailed(.connection), .disconnected:
            wordlessEnds += 1
            wordlessSince = wordlessSince ?? MonotonicClock.seconds
        case .handshakeFailed(let failure): refusal = failure.explanation(isEncrypted: isEncrypted)
        default: break
        }
    }

    /// What is wrong and what to do; `nil` while trying again may help.
    public var explanation: String? {
        if let refusal { return refusal }
        guard isEncrypted, !keysFit, wordlessEnds >= Self.wordlessEndsMax, let wordlessSince,
            MonotonicClock.seconds - wordlessSince >= wordlessSecondsMin
        else { return nil }
        return "the server ends every connection: it has another key than the one given by --server-key"
    }
}
