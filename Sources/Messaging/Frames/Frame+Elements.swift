// Arrays of numbers as frames.

extension Frame {
    /// A frame with the bytes of the elements, as they lie in memory.
    public init<Element: BitwiseCopyable>(copyingElements elements: [Element]) {
        self.init(byteCount: elements.count * MemoryLayout<Element>.stride)
        elements.withUnsafeBytes { source in
            withUnsafeMutableBytes { $0.copyMemory(from: source) }
        }
    }

    /// The frame's bytes as elements; bytes beyond the last whole element are left out.
    public func elements<Element: BitwiseCopyable>(of type: Element.Type) -> [Element] {
        withUnsafeBytes { bytes in
            let stride = MemoryLayout<Element>.stride
            return (0..<bytes.count / stride).map { bytes.loadUnaligned(fromByteOffset: $0 * stride, as: type) }
        }
    }
}
