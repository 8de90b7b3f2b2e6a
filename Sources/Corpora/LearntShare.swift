// How much of a text is never learnt from, known before the first step: said, because training would not show it.

import Configuration

/// Which part of a training text the steps of an epoch leave out.
///
/// Where lines are sequences, `training.sequence` cuts long ones. A stream loses what is left at the end of its lanes,
/// which is much where the text is short.
public struct LearntShare: Sendable, Equatable {
    /// The predictions that the text holds.
    public var tokens: Int
    /// Those of them that no step makes.
    public var tokensLeftOut: Int
    /// The lines of the text; 0 for a stream.
    public var lines: Int
    /// The lines whose end is cut off.
    public var linesCut: Int
    /// The configuration's `training.sequence`.
    public var sequence: Int

    /// Counts over a training text.
    ///
    /// - Precondition: the tokens have the shape of the configuration.
    public init(_ configuration: RunConfiguration, tokens text: MappedTokens) {
        let training = configuration.training
        sequence = training.sequence
        lines = text.lineCount
        linesCut = 0
        guard configuration.data.shape == .sequences else {
            tokens = max(0, text.count - 1)
            let (batch, sequence) = (training.batch, training.sequence)
            tokensLeftOut = tokens - min(tokens, tokens / batch / sequence * sequence * batch)
            return
        }
        tokens = text.count + text.lineCount
        tokensLeftOut = 0
        for line in 0..<text.lineCount {
            let length = text.line(line).count + 1
            guard length > sequence else { continue }
            linesCut += 1
            tokensLeftOut += length - sequence
        }
    }

    /// The part of the text that is never learnt from, from 0 to 1.
    public var leftOut: Double { tokens > 0 ? Double(tokensLeftOut) / Double(tokens) : 0 }

    /// What to tell the user, in one line; `nil` where no line is cut, or hardly anything of a stream is left out.
    public var notice: String? {
        if linesCut > 0 {
            let what = lines == 1 ? "the only line is cut" : "\(linesCut) of \(lines) lines are cut"
            let lineEnds = lines == 1 ? "; has the text no line ends?" : ""
            return "\(what) at training.sequence \(sequence): \(percentage) of the tokens are never learnt\(lineEnds)"
        }
        guard lines == 0, leftOut >= Self.leftOutMin else { return nil }
        return "\(percentage) of the tokens, at the end of the text, are never learnt: they do not fill a step; "
            + "lower training.batch or training.sequence"
    }

    private static let leftOutMin = 0.02

    private var percentage: String {
        let percent = leftOut * 100
        if percent < 0.1 { return "less than 0.1 %" }
        let tenths = Int(percent * 10)
        return percent < 10 ? "\(tenths / 10).\(tenths % 10) %" : "\(tenths / 10) %"
    }
}
