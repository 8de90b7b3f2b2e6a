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
            let count = bytes.count / MemoryLayout<Element>.stride
            // One copy of memory: element by element would run unspecialized, a hundred times slower.
            return [Element](unsafeUninitializedCapacity: count) { target, filled in
                if count > 0 {
                    UnsafeMutableRawBufferPointer(target).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * MemoryLayout<Element>.stride)]))
                }
                filled = count
            }
        }
    }
}
