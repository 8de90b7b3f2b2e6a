// The disk of a simulated server: real files, and all that can happen to them.

import Checkpoints
import Foundation

/// Follows every change of the run's directory, so that what was not synced can be lost when the power goes.
///
/// What a call has changed is undone in reverse order: a file system keeps the order of changes to its folders, but
/// may lose the last of them; and of a file that was not synced it may have written any part.
final class NodeDisk {
    private let world: World
    private unowned let node: Node
    private let trash: String
    private var trashCount = 0
    private var unsynced: Set<String> = []
    /// The bytes of a file that are on the disk for good: one that is appended to is synced now and then.
    private var synced: [String: Int] = [:]
    private var pending: [(folder: String, undo: () -> Void)] = []
    /// No space is left.
    var isFull = false
    /// The probability that a call takes up to a second.
    var slowness = 0.0
    /// Called when a checkpoint of a step has reached the disk for good.
    var whenDurable: (Int) -> Void = { _ in }
    private var placed: Int?
    private(set) var torn = 0
    private(set) var refused = 0

    init(of node: Node, trash: String) {
        self.node = node
        self.trash = trash
        world = node.world
    }

    func verdict(of step: FileSystemStep, isAlive: Bool) -> FileSystemVerdict {
        guard isAlive else {
            if case .write(_, let count) = step { return .writePart(world.random.below(count + 1), EIO) }
            return .fail(EIO)
        }
        world.log.note(world.now, node.number, LogKind.disk, step.number, "\(node.name) disk: \(step.text)")
        if slowness > 0, world.random.happens(slowness) {
            node.sleep(seconds: world.random.pick(0...1))
            if node.isDead { return .fail(EIO) }
        }
        if isFull, step.takesSpace {
            refused += 1
            if case .write(_, let count) = step { return .writePart(world.random.below(count + 1), ENOSPC) }
            return .fail(ENOSPC)
        }
        return follow(step)
    }

    private func follow(_ step: FileSystemStep) -> FileSystemVerdict {
        switch step {
        case .createFolder(let path):
            if access(path, F_OK) == 0 { return .proceed }
            note(path) { try? FileManager.default.removeItem(atPath: path) }
        case .createFile(let path):
            unsynced.insert(path)
            note(path) { unlink(path) }
        case .write(let path, _):
            // What an earlier life has appended is taken to have reached the disk since.
            if synced[path] == nil { synced[path] = Self.byteCount(of: path) }
            unsynced.insert(path)
        case .syncFile(let path):
            unsynced.remove(path)
            synced[path] = Self.byteCount(of: path)
            return .skip
        case .syncFolder(let path):
            pending.removeAll { $0.folder == path }
            if let placed, path.hasSuffix("/checkpoints") {
                whenDurable(placed)
                self.placed = nil
            }
            return .skip
        case .rename(let path, let target): followRename(path, target)
        case .link(let path, _): note(path) { unlink(path) }
        case .removeFile(let path):
            guard let kept = keep(path) else { return .skip }
            note(path) { rename(kept, path) }
            return .skip
        case .removeFolder(let path): note(path) { mkdir(path, 0o777) }
        }
        return .proceed
    }

    private func followRename(_ path: String, _ target: String) {
        // What is replaced comes back when the rename is undone; a folder is only ever replaced when it is empty.
        let kept = keep(target)
        unsynced = Set(
            unsynced.map { file in
                file == path || file.hasPrefix(path + "/") ? target + file.dropFirst(path.count) : file
            })
        note(target) {
            rename(target, path)
            if let kept { rename(kept, target) }
        }
        let name = target.split(separator: "/").last ?? ""
        if name.hasPrefix("step-") { placed = Int(name.dropFirst(5)) }
    }

    private static func byteCount(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    private func note(_ path: String, undo: @escaping () -> Void) {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        pending.append((folder, undo))
    }

    /// Moves a file or link out of the way.
    private func keep(_ path: String) -> String? {
        trashCount += 1
        let kept = "\(trash)/\(node.identifier)-\(trashCount)"
        return rename(path, kept) == 0 ? kept : nil
    }

    /// The power has gone.
    func losePower() {
        let count = world.random.pick(0...pending.count)
        torn += count
        for (_, undo) in pending.suffix(count).reversed() { undo() }
        for path in unsynced.sorted() {
            guard let count = Self.byteCount(of: path) else { continue }
            torn += 1
            truncate(path, off_t(world.random.pick(min(count, synced[path] ?? 0)...count)))
        }
        world.log.note(
            world.now, node.number, LogKind.disk, count,
            "\(node.name) loses power: \(count) changes of folders undone, \(unsynced.count) files cut")
    }
}

extension FileSystemStep {
    fileprivate var takesSpace: Bool {
        switch self {
        case .createFolder, .createFile, .write, .link: true
        case .syncFile, .syncFolder, .rename, .removeFile, .removeFolder: false
        }
    }

    fileprivate var number: Int {
        switch self {
        case .createFolder: 1
        case .createFile: 2
        case .write: 3
        case .syncFile: 4
        case .syncFolder: 5
        case .rename: 6
        case .link: 7
        case .removeFile: 8
        case .removeFolder: 9
        }
    }

    fileprivate var text: String {
        func short(_ path: String) -> String { path.split(separator: "/").suffix(2).joined(separator: "/") }
        switch self {
        case .createFolder(let path): return "create folder \(short(path))"
        case .createFile(let path): return "create \(short(path))"
        case .write(let path, let count): return "write \(count) bytes to \(short(path))"
        case .syncFile(let path): return "sync \(short(path))"
        case .syncFolder(let path): return "sync folder \(short(path))"
        case .rename(let path, let target): return "rename \(short(path)) to \(short(target))"
        case .link(let path, let target): return "link \(short(path)) to \(short(target))"
        case .removeFile(let path): return "remove \(short(path))"
        case .removeFolder(let path): return "remove folder \(short(path))"
        }
    }
}
