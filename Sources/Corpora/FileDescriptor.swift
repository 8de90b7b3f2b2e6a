// Files by system calls: read, write, map; every failure with the name of the file.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An open file, closed at the end of its life.
struct FileDescriptor: ~Copyable {
    let descriptor: Int32
    let path: String

    deinit { close(descriptor) }

    /// Opens a regular file for reading.
    init(reading path: String) throws(CorpusError) {
        self.path = path
        do {
            descriptor = try InputFile.open(path, .regular)
        } catch {
            throw CorpusError(error)
        }
    }

    /// Makes a file without a name that disappears with its descriptor, whatever becomes of this process.
    init(temporaryIn directory: String) throws(CorpusError) {
        path = directory
        var template = Array("\(directory)/rondo-XXXXXX".utf8CString)
        descriptor = try Self.retrying("make a temporary file in", directory) { mkstemp(&template) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
    }

    /// Takes over a descriptor that is open.
    init(adopting descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Another descriptor of the same file, which shares the place where reading goes on.
    func duplicate(_ path: String) throws(CorpusError) -> FileDescriptor {
        FileDescriptor(
            adopting: try Self.retrying("read", path) { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }, path: path)
    }

    /// Opens a directory.
    init(directory path: String) throws(CorpusError) {
        self.path = path
        descriptor = try Self.retrying("open", path) { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    /// Makes an empty file for reading and writing, in place of one that may be there.
    init(creating path: String) throws(CorpusError) {
        self.path = path
        descriptor = try Self.retrying("create", path) { open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
    }

    /// Reads at most as many bytes as the buffer has; 0 at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CorpusError) -> Int {
        try Self.retrying("read", path) { systemRead(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Reads at most as many bytes as the buffer has from a place of the file; 0 beyond its end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(CorpusError) -> Int {
        try Self.retrying("read", path) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Writes all bytes at the end of what was written.
    func write(_ bytes: UnsafeRawBufferPointer) throws(CorpusError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            rest = rest.dropFirst(
                try Self.retrying("write", path) { systemWrite(descriptor, part.baseAddress, part.count) })
        }
    }

    /// Writes the memory of all elements.
    func write<Element: BitwiseCopyable>(elements: [Element]) throws(CorpusError) {
        try elements.withUnsafeBufferPointer { (buffer) throws(CorpusError) in
            try write(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Waits until all is on the disk. File systems that know no such call are left in peace.
    func sync() throws(CorpusError) {
        if StandIn.current != nil { return }
        do {
            _ = try Self.retrying("sync", path) { fsync(descriptor) }
        } catch .file(_, _, code: EINVAL), .file(_, _, code: ENOSYS), .file(_, _, code: ENOTSUP) {}
    }

    /// Goes to a place, from which reading or writing goes on.
    func seek(to offset: Int) throws(CorpusError) {
        _ = try Self.retrying("seek in", path) { lseek(descriptor, off_t(offset), SEEK_SET) }
    }

    /// Whether it is a regular file, which can be read again.
    func isRegular() throws(CorpusError) -> Bool {
        var status = stat()
        _ = try Self.retrying("read", path) { fstat(descriptor, &status) }
        return status.st_mode & S_IFMT == S_IFREG
    }

    /// What tells this state of the file from later ones.
    func stamp() throws(CorpusError) -> TextStamp {
        var status = stat()
        _ = try Self.retrying("read", path) { fstat(descriptor, &status) }
        #if canImport(Darwin)
        let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
        #else
        let (modified, changed) = (status.st_mtim, status.st_ctim)
        #endif
        func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec) }
        return TextStamp(
            bytes: Int(status.st_size), device: Int(truncatingIfNeeded: status.st_dev), number: UInt64(status.st_ino),
            modified: nanoseconds(modified), changed: nanoseconds(changed))
    }

    /// The size of the file in bytes.
    func size() throws(CorpusError) -> Int {
        var status = stat()
        _ = try Self.retrying("read", path) { fstat(descriptor, &status) }
        return Int(status.st_size)
    }

    /// Repeats a call that a signal interrupts, and throws the error of one that fails.
    static func retrying<Result: BinaryInteger>(
        _ operation: String, _ path: String, _ call: () -> Result
    ) throws(CorpusError) -> Result {
        while true {
            let result = call()
            if result != -1 { return result }
            if errno != EINTR { throw .file(path: path, operation: operation, code: errno) }
        }
    }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}

/// What is done to names of files.
enum FileSystem {
    /// Where temporary files go.
    static var temporaryDirectory: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    /// Makes a directory and those above it, where they are missing.
    static func makeDirectory(_ path: String) throws(CorpusError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let code = errno
        guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .file(path: path, operation: "make the directory", code: code)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw .file(path: path, operation: "make the directory", code: errno)
        }
    }

    /// Gives a file another name, in place of a file that may have it.
    static func move(_ path: String, to newPath: String) throws(CorpusError) {
        _ = try FileDescriptor.retrying("write", newPath) { rename(path, newPath) }
    }

    /// Removes a file if it is there.
    static func remove(_ path: String) { unlink(path) }

    /// All bytes of a file that is at most so long.
    static func contents(of path: String, bytesMax: Int) throws(CorpusError) -> [UInt8] {
        let file = try FileDescriptor(reading: path)
        let size = try file.size()
        guard size <= bytesMax else { throw .damaged(path: path, problem: "\(size) bytes are too many") }
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = try bytes.withUnsafeMutableBufferPointer { (buffer) throws(CorpusError) in
                let whole = UnsafeMutableRawBufferPointer(buffer)
                return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: whole[filled...]))
            }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes[..<filled])
    }

    /// Waits until the names in a directory are on the disk.
    static func syncDirectory(_ path: String) throws(CorpusError) { try FileDescriptor(directory: path).sync() }

    /// A name beside a file for what is to become that file.
    static func partial(_ path: String) -> String { "\(partialPrefix(path))\(getpid())" }

    /// How such names begin, whoever makes them.
    static func partialPrefix(_ path: String) -> String { "\(path).partial-" }

    /// The names in a directory; none if it cannot be read.
    static func names(in directory: String) -> [String] {
        guard let folder = opendir(directory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}
