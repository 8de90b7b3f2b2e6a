// How the benchmark measures: processor time of this thread (other processes may run beside it), many short rounds, the
// median; rates are compared with the peak measured between the same rounds.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Seconds of processor time that `body` takes.
func processorSeconds(_ body: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
    let start = now()
    body()
    return now() - start
}

/// The middle value.
func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// The value that a tenth of the others reach: what a round gives that other processes leave alone.
func upperTenth(_ values: [Double]) -> Double { values.sorted()[values.count * 9 / 10] }

/// Median seconds of one call of `body`, from `rounds` rounds of about a millisecond each.
func secondsOfOneCall(rounds: Int = 25, _ body: () -> Void) -> Double {
    let calls = max(1, Int(1e-3 / max(processorSeconds(body), 1e-9)))
    return median((0..<rounds).map { _ in processorSeconds { for _ in 0..<calls { body() } } / Double(calls) })
}

/// An aligned array of floats that lives until the process ends: random numbers in -1...1.
func randomFloats(_ count: Int) -> UnsafeMutablePointer<Float> {
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    let floats = memory.bindMemory(to: Float.self, capacity: count)
    var state: UInt32 = 12345
    for index in 0..<count {
        state = state &* 1_664_525 &+ 1_013_904_223
        floats[index] = Float(Int32(bitPattern: state)) * 0x1p-31
    }
    return floats
}

/// Ends the process after one line on standard error.
func fail(_ message: String) -> Never {
    _ = Array((message + "\n").utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(64)
}

/// `value` with so many digits after the point, right-aligned in `width` columns.
func number(_ value: Double, digits: Int, width: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = Int((value * scale).rounded())
    let fraction = String(rounded % Int(scale))
    let text = digits == 0 ? "\(rounded)" : "\(rounded / Int(scale)).\(pad(fraction, to: digits, with: "0"))"
    return pad(text, to: width)
}

/// `text` with `filler` before it.
func pad(_ text: String, to width: Int, with filler: Character = " ") -> String {
    String(repeating: filler, count: max(0, width - text.count)) + text
}
