// The ledger's file, for the one server that appends to it.

import Checkpoints
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Appends records to the ledger of a run.
///
/// A record is one line and one `write`: after a crash of the process all of it is in the file or nothing; after a
/// crash of the machine all is there that was written before the last ``sync()``. A disk that fails does not stop the
/// run: ``problem`` says what is wrong, and what could not be written is tried again before the next record, in its
/// order. A class, because the open file has an identity.
public final class LedgerWriter {
    /// Why the ledger is not complete at present.
    public private(set) var problem: String?
    private let path: String
    private let fileSystem = FileSystem.real
    private var descriptor: Int32
    private var previous = LineDigest.none
    /// What the disk did not take yet.
    private var pending: [UInt8] = []
    /// Records that wait for the file to be opened: what the first of them has to follow is not known before.
    private var waiting: [LedgerRecord] = []
    private static let waitingMax = 10_000
    /// Records that are not, and will not be, in the ledger.
    private var lost = 0

    /// What is kept for a disk that is full, at most; records beyond it are lost, and the audit will miss them.
    private static let pendingBytesMax = 16 << 20

    /// Opens the ledger for the next life, or begins one.
    public init(path: String) {
        self.path = path
        descriptor = -1
        open()
    }

    /// Opens the file, unless it is open.
    private func open() {
        guard descriptor < 0 else { return }
        do {
            let isNew = access(path, F_OK) != 0
            descriptor = try fileSystem.openForAppending(path)
            if isNew { try? fileSystem.syncFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path) }
        } catch {
            descriptor = -1
            problem = "\(path): this life is not recorded yet: \(error)"
            return
        }
        do {
            let end = try LedgerReader.end(ofFile: path)
            previous = end.previous
            // A machine that crashed has left a part of a line: it is ended, never cut.
            if !end.isLineEnded { pending = [UInt8(ascii: "\n")] }
        } catch {
            // What the next line has to follow is not known.
            close(descriptor)
            descriptor = -1
            problem = "\(path): this life is not recorded yet: \(error)"
            return
        }
        problem = nil
        let records = waiting
        waiting = []
        for record in records { append(record) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends a record.
    public func append(_ record: LedgerRecord) {
        open()
        guard descriptor >= 0 else {
            if waiting.count < Self.waitingMax { waiting.append(record) } else { lost += 1 }
            return
        }
        let line: [UInt8]
        do {
            line = try LedgerLine(previous: previous, record: record).encoded()
        } catch {
            lost += 1
            return flush()
        }
        guard pending.count + line.count < Self.pendingBytesMax else {
            lost += 1
            return flush()
        }
        previous = LineDigest(of: line)
        pending += line
        pending.append(UInt8(ascii: "\n"))
        flush()
    }

    /// Waits until all records are on the disk.
    ///
    /// - Returns: Whether they are; ``problem`` says why not.
    @discardableResult
    public func sync() -> Bool {
        open()
        guard descriptor >= 0 else { return false }
        flush()
        guard pending.isEmpty else { return false }
        do {
            try fileSystem.syncFile(descriptor, path: path)
            return true
        } catch {
            problem = "\(error)"
            return false
        }
    }

    private func flush() {
        guard !pending.isEmpty else { return }
        let (count, failure) = pending.withUnsafeBytes {
            fileSystem.writeWhatFits($0, to: descriptor, path: path)
        }
        pending.removeFirst(count)
        let missing = "\(path): \(lost) record(s) are not in it, for want of room"
        problem = failure.map { "\($0)" } ?? (lost == 0 ? nil : missing)
    }
}
