// The checkpoints on disk against the digests in the ledger.

import Checkpoints
import Foundation

/// The checkpoints that were there when the audit began.
struct CheckpointsOnDisk {
    private let path: String
    private let steps: [Int]

    init(directory: String) {
        path = directory
        steps = (try? CheckpointDirectory(reading: directory).list()) ?? []
    }

    /// What tells the version of the weights in `run.json`, where not every step is one.
    private struct Updates: Decodable {
        var updates: Int?
    }

    private static func version(of folder: CheckpointFolder, step: Int) throws -> Int {
        let json = Data(try folder.read(CheckpointFile.run))
        return try JSONDecoder().decode(Updates.self, from: json).updates ?? step
    }

    /// Hashes every file of every checkpoint anew.
    ///
    /// - Returns: The steps of those that are what the ledger says, and what is worth telling of others.
    func check(
        against audit: LedgerAudit, _ violations: inout ViolationList
    ) -> (verified: [Int], notes: [String]) {
        var verified: [Int] = []
        var notes: [String] = []
        for step in steps {
            func add(_ message: String) {
                violations.add(LedgerViolation(.wrongCheckpoint, step: max(1, step), message))
            }
            let folder = "\(path)/\(CheckpointDirectory.folderName(step: step))"
            let found: [String: String]
            let version: Int
            do {
                let opened = try CheckpointFolder.open(path: folder).folder
                found = Ledger.digests(of: opened)
                version = try Self.version(of: opened, step: step)
            } catch {
                // A living server removes old ones.
                if FileManager.default.fileExists(atPath: folder) { add("\(error)") }
                continue
            }
            guard let expected = audit.digests[version] else {
                if version == audit.reached, audit.end == nil {
                    // Killed, or looked at, between a checkpoint and its line.
                    notes.append("the checkpoint of step \(step) is not in the ledger yet")
                } else {
                    add("\(folder): the ledger, which ends at step \(audit.reached), knows no such checkpoint")
                }
                continue
            }
            let names = Set(found.keys).union(expected.keys).sorted()
            if let name = names.first(where: { found[$0] != expected[$0] }) {
                add(
                    "\(folder)/\(name) has SHA-256 \(found[name] ?? "none"), and the ledger says "
                        + (expected[name] ?? "none"))
            } else {
                verified.append(step)
            }
        }
        return (verified, notes)
    }
}
