// The keys of one supervised run.

import Messaging
import Server

/// The keys of one `rondo train`: made at its start, kept in its memory, handed to its children by descriptor. Nobody
/// else comes in.
struct RunKeys {
    /// Of the server, and of its partition servers.
    let server: CurveKeyPair
    /// Of the workers.
    let worker: CurveKeyPair
    /// Of the supervisor itself: it alone stops the run and reports deaths.
    let supervisor: CurveKeyPair
    /// Of the user's clients, who may look.
    let client: CurveKeyPair

    /// New ones.
    init() throws(MessagingError) {
        server = try .generate()
        worker = try .generate()
        supervisor = try .generate()
        client = try .generate()
    }

    /// As the owner of one of the pairs connects.
    func role(_ pair: CurveKeyPair) -> CurveRole { .client(serverKey: server.publicKey, keys: pair) }

    /// The list of those who may come in.
    private var allowed: String {
        [(worker, PeerRole.worker), (supervisor, .supervisor), (client, .client)]
            .map { "\($0.0.publicKey.text) role=\($0.1.rawValue)\n" }.joined()
    }

    /// Hands a server process its keys.
    func hand(toServer handOver: HandOver) throws(ProgramFailure) {
        try handOver.option("--key", server.secretKey.text)
        try handOver.option("--allow", allowed)
    }

    /// Hands a worker its keys.
    func hand(toWorker handOver: HandOver) throws(ProgramFailure) {
        try handOver.option("--key", worker.secretKey.text)
        try handOver.option("--server-key", server.publicKey.text)
    }
}
