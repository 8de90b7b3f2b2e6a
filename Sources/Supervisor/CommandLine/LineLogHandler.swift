// The log: one readable line an event, on standard error.

import Logging
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes events as `2026-11-21 08:20:33.120 notice  worker joined  worker=worker-1`. Times are local.
public struct LineLogHandler: LogHandler {
    /// What every event of the logger carries.
    public var metadata: Logger.Metadata = [:]
    /// Events below this level are not written.
    public var logLevel: Logger.Level = .info

    /// A handler.
    public init() {}

    /// A logger that writes to standard error.
    public static func logger(_ label: String) -> Logger {
        Logger(label: label) { _ in LineLogHandler() }
    }

    /// One of the things that every event carries.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes an event.
    public func log(event: LogEvent) {
        let message = "\(event.message)"
        guard let leftOut = LogLimit.shared.withLock({ $0.take(message, now: MonotonicClock.seconds) }) else { return }
        var metadata = metadata.merging(event.metadata ?? [:]) { _, new in new }
        if leftOut > 0 { metadata["left-out"] = "\(Counted.text(leftOut, "line")) like this" }
        StandardError.line(Self.line(time: Self.now(), level: event.level, message: message, metadata: metadata))
    }

    static func line(time: String, level: Logger.Level, message: String, metadata: Logger.Metadata) -> String {
        let name = level.rawValue + String(repeating: " ", count: max(0, 8 - level.rawValue.count))
        let pairs = metadata.sorted { $0.key < $1.key }.map { "\($0)=\(shown("\($1)"))" }
        return ([time, name + oneLine(message)] + (pairs.isEmpty ? [] : ["", pairs.joined(separator: " ")]))
            .joined(separator: " ")
    }

    /// A value in quotes if it would not read as one word.
    private static func shown(_ value: String) -> String {
        let value = oneLine(value)
        let isWord = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return isWord ? value : "\"" + value.replacing("\"", with: "'") + "\""
    }

    /// Names and reasons of others are among it: nothing in it may turn a terminal upside down, or fill a disk.
    private static func oneLine(_ text: String) -> String {
        ForeignText.shown(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    private static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var parts = tm()
        localtime_r(&time.tv_sec, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = [Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)].map { padded($0, 2) }
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
        return date.joined(separator: "-") + " " + clock.joined(separator: ":") + "."
            + padded(Int(time.tv_nsec) / 1_000_000, 3)
    }
}
