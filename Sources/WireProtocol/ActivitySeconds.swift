// Seconds by activity, as workers report them and clients read them.

extension WireActivitySeconds {
    /// An entry.
    package init(_ name: String, seconds: Double) {
        self.init()
        self.name = name
        self.seconds = seconds
    }

    /// Whether the entry is one that a status report may carry on.
    package var isPlausible: Bool {
        seconds.isFinite && seconds >= 0 && name.utf8.count <= WireLimits.nameBytesMaximum
    }
}
