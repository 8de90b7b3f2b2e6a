// A list of allowed keys that may grow while a server runs.

import Messaging
import Server
import Synchronization

/// The file that `--allow` names: read at the start, and again when it has changed.
public final class AllowedKeysFile: Sendable {
    private let path: String
    private let stamp = Mutex(FileStamp.none)

    /// The file at a path.
    public init(_ path: String) { self.path = path }

    /// The keys in it, and what their owners may do.
    ///
    /// - Throws: `ProgramFailure` if it cannot be read, is not a list of keys, or could have been written by others.
    public func read() throws -> [CurvePublicKey: PeerRights] {
        // The stamp first: a change in between is found the next time.
        stamp.withLock { $0 = FileStamp(path) }
        return try KeyFiles.allowed(path)
    }

    /// The keys in it if it has changed since it was read; `nil` if not. One that cannot be taken is told of on
    /// standard error, and the keys stay as they are.
    public func rereadIfChanged() -> [CurvePublicKey: PeerRights]? {
        let now = FileStamp(path)
        guard now != stamp.withLock({ $0 }), now != .none else { return nil }
        do {
            let keys = try read()
            // An editor may be about to write it.
            return keys.isEmpty ? nil : keys
        } catch {
            LineLogHandler.logger("rondo-server").warning("the list of allowed keys stays as it was: \(error)")
            return nil
        }
    }
}
