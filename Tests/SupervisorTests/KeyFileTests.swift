// Files of keys: who may have read or written them, and what the list says of each key's owner.

import Foundation
import Messaging
import Testing

@testable import Server
@testable import Supervisor

@Suite("files of keys")
struct KeyFileTests {
    private let folder = NSTemporaryDirectory() + "/rondo-keys-\(UUID().uuidString)"

    /// Calls `body` with a folder that holds `mine.key` and `mine.pub`.
    private func withKeys(_ body: (_ path: (String) -> String) throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try KeyFiles.generate(name: folder + "/mine")
        try body { folder + "/" + $0 }
    }

    private func failure(_ body: () throws -> Void) -> ProgramFailure? {
        do {
            try body()
            return nil
        } catch { return error as? ProgramFailure }
    }

    @Test(
        "a secret key that others can read or write is refused, with the command that mends it",
        arguments: [0o640, 0o604, 0o620, 0o602, 0o666, 0o444])
    func openSecret(mode: Int) throws {
        try withKeys { path in
            _ = try KeyFiles.pair(path("mine.key"))
            chmod(path("mine.key"), mode_t(mode))
            let failure = try #require(failure { _ = try KeyFiles.pair(path("mine.key")) })
            #expect(failure.status == .usage && failure.line.contains("chmod 600 \(path("mine.key"))"))
            chmod(path("mine.key"), 0o400)
            _ = try KeyFiles.pair(path("mine.key"))
        }
    }

    @Test("public keys may be read by others, and are refused if others can write them", arguments: [0o664, 0o646])
    func writableList(mode: Int) throws {
        try withKeys { path in
            chmod(path("mine.pub"), 0o644)
            #expect(try KeyFiles.publicKeys(path("mine.pub")).count == 1)
            chmod(path("mine.pub"), mode_t(mode))
            let failure = try #require(failure { _ = try KeyFiles.allowed(path("mine.pub")) })
            #expect(failure.status == .usage && failure.line.contains("chmod go-w \(path("mine.pub"))"))
        }
    }

    @Test("files of another user are refused", .enabled(if: geteuid() == 0, "only root can give files away"))
    func othersFiles() throws {
        try withKeys { path in
            for name in ["mine.key", "mine.pub"] {
                chown(path(name), 65534, 65534)
                let failure = try #require(failure { _ = try KeyFiles.publicKeys(path(name)) })
                #expect(failure.status == .usage && failure.line.contains("another user (uid 65534)"))
            }
        }
    }

    @Test("a pair is never overwritten: the message says what to do, and neither file changes")
    func neverOverwritten() throws {
        try withKeys { path in
            for lost in ["mine.pub", "mine.key"] {
                let before = try Data(contentsOf: URL(fileURLWithPath: path("mine.key")))
                let failure = try #require(failure { _ = try KeyFiles.generate(name: path("mine")) })
                #expect(failure.status == .usage && failure.line.contains("choose another name"))
                #expect(failure.line.contains("mv '\(path("mine.key"))'"))
                #expect(try Data(contentsOf: URL(fileURLWithPath: path("mine.key"))) == before)
                // One of the two is enough to be kept.
                if lost == "mine.pub" { unlink(path(lost)) }
            }
            #expect(!FileManager.default.fileExists(atPath: path("mine.pub")))
        }
    }

    @Test("a list gives roles; without one a key may do everything but lead")
    func roles() throws {
        try withKeys { path in
            let keys = try (0..<5).map { _ in try CurveKeyPair.generate().publicKey }
            let list = """
                \u{FEFF}# who may come in\r
                \(keys[0].text) laptop role=client\r
                \(keys[1].text) role=worker\r

                \(keys[2].text)\tboss\trole=supervisor
                \(keys[3].text) role model
                \(keys[4].text) role=client
                \(keys[4].text) role=worker
                """
            try Data(list.utf8).write(to: URL(fileURLWithPath: path("allowed")))
            let allowed = try KeyFiles.allowed(path("allowed"))
            #expect(
                keys.map { allowed[$0] } == [
                    [.read], [.work], [.read, .control], [.read, .work, .control], [.read, .work],
                ])
            try Data("\(keys[0].text) role=king\n".utf8).write(to: URL(fileURLWithPath: path("allowed")))
            let failure = try #require(failure { _ = try KeyFiles.allowed(path("allowed")) })
            #expect(failure.line.contains("allowed:1: 'role=king' is no role") && failure.line.contains("role=client"))
        }
    }

    @Test("a list that has changed is read again once; one that is damaged or empty leaves the keys as they were")
    func reread() throws {
        try withKeys { path in
            let url = URL(fileURLWithPath: path("allowed"))
            let keys = try (0..<2).map { _ in try CurveKeyPair.generate().publicKey }
            try Data("\(keys[0].text)\n".utf8).write(to: url)
            let file = AllowedKeysFile(path("allowed"))
            #expect(try Set(file.read().keys) == [keys[0]])
            #expect(file.rereadIfChanged() == nil)
            try Data("\(keys[0].text)\n\(keys[1].text)\n".utf8).write(to: url)
            #expect(file.rereadIfChanged().map { Set($0.keys) } == Set(keys))
            #expect(file.rereadIfChanged() == nil)
            for damage in ["not a key\n", ""] {
                try Data(damage.utf8).write(to: url)
                #expect(file.rereadIfChanged() == nil)
            }
            unlink(path("allowed"))
            #expect(file.rereadIfChanged() == nil)
        }
    }
}
