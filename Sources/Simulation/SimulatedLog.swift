// What the shells say, as remarks in the log of the simulation.

import Logging

/// Writes the shells' log lines between the events, if anybody wants to read them.
struct SimulatedLog: LogHandler {
    private nonisolated(unsafe) let node: Node
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    static func logger(for node: Node) -> Logger {
        Logger(label: node.name) { _ in
            SimulatedLog(node: node, logLevel: node.world.log.isVerbose ? .info : .critical)
        }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        node.world.log.remark(node.world.now, "\(node.name) says: \(event.message)\(details)")
    }
}
