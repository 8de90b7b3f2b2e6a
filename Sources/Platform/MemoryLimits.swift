// How much memory a process may take, and who says so.

import CPlatform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A limit of memory, with where it comes from.
public struct MemoryLimit: Sendable, Equatable {
    /// Who sets a limit.
    public enum Source: Sendable, Equatable {
        /// The memory of the machine, for all processes together.
        case machine
        /// The control group that the process is in, for all processes of the group together.
        case controlGroup
        /// The address space of each process: `ulimit -v`.
        case addressSpace
        /// The data of each process: `ulimit -d`.
        case data

        /// Whether the limit is for each process, not for all together.
        public var isForEachProcess: Bool { self == .addressSpace || self == .data }
    }

    /// Who sets it.
    public var source: Source
    /// The limit.
    public var bytes: Int

    /// A limit.
    public init(_ source: Source, bytes: Int) { (self.source, self.bytes) = (source, bytes) }
}

/// The limits of memory that hold for this process and those that it starts.
public enum MemoryLimits {
    /// All limits there are: at least the machine's. A simulated machine has none.
    public static var current: [MemoryLimit] {
        if StandIn.current != nil { return [] }
        var limits = [MemoryLimit(.machine, bytes: PhysicalMemory.bytes)]
        if let bytes = ControlGroup.memoryBytesMax() { limits.append(MemoryLimit(.controlGroup, bytes: bytes)) }
        let addressSpace = Int(rondo_address_space_limit())
        if addressSpace > 0 { limits.append(MemoryLimit(.addressSpace, bytes: addressSpace)) }
        let data = Int(rondo_data_limit())
        if data > 0 { limits.append(MemoryLimit(.data, bytes: data)) }
        return limits
    }
}

/// The limits of Linux's control groups.
enum ControlGroup {
    /// A number at least this large means that there is no limit (version 1 writes the largest multiple of a page).
    private static let unlimitedBytes = 1 << 60

    /// The least memory that this process's group and those above it are limited to; `nil` without a limit.
    ///
    /// - Parameter root: where `/proc` and `/sys/fs/cgroup` are, for tests.
    static func memoryBytesMax(root: String = "") -> Int? {
        var least: Int?
        func note(_ path: String) {
            guard let text = text(of: path), let bytes = Int(text.prefix { $0.isNumber }), bytes > 0,
                bytes < unlimitedBytes
            else { return }
            least = min(least ?? bytes, bytes)
        }
        for line in (text(of: root + "/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
            let mount = root + (isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory")
            let name = isUnified ? "memory.max" : "memory.limit_in_bytes"
            var group = String(fields[2])
            // In a container the path may be the host's: then only the mount's own files are there.
            while true {
                while group.hasSuffix("/") { group.removeLast() }
                note("\(mount)\(group)/\(name)")
                guard let slash = group.lastIndex(of: "/") else { break }
                group = String(group[..<slash])
            }
        }
        return least
    }

    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
