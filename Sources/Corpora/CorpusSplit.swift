// Which part of a text is learnt from, and which is set aside.

import Numerics

/// Divides a text into a training and a validation part whose sizes are known beforehand.
///
/// A stream is cut: its end is set aside. Of lines, a part is drawn by lot, because files of lines are often sorted;
/// the lot has a seed of its own, so that runs with different seeds are validated on the same lines. Drawing is
/// selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): each line is decided when it
/// comes, with no memory, and the number comes out exactly.
struct CorpusSplit {
    let training: TokenFileWriter
    let validation: TokenFileWriter?
    /// The tokens of a stream, or the lines, that are learnt from.
    let trainingCount: Int

    private var undecided: Int
    private var validationWanted: Int
    private var words: RandomWords

    /// - Parameter count: the number of tokens of a stream, or of lines.
    init(training: TokenFileWriter, validation: TokenFileWriter?, count: Int, fraction: Double) {
        self.training = training
        self.validation = validation
        trainingCount = validation == nil ? count : Self.trainingCount(count: count, fraction: fraction)
        undecided = count
        validationWanted = count - trainingCount
        words = RandomStream(seed: 0, purpose: .shuffle, step: .max).words()
    }

    /// The size of the training part, rounded down as `int(n * 0.9)` does.
    static func trainingCount(count: Int, fraction: Double) -> Int {
        Int(Double(count) * (1 - fraction))
    }

    mutating func writerOfNextLine() -> TokenFileWriter {
        guard let validation, undecided > 0 else { return training }
        // A number below `undecided`, from 64 bits: the bias is below one in 2^16 for 2^48 lines.
        let draw = Int(words.next().multipliedFullWidth(by: UInt64(undecided)).high)
        undecided -= 1
        guard draw < validationWanted else { return training }
        validationWanted -= 1
        return validation
    }
}
