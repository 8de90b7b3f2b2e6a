// How much of a text is never learnt from: said before the start, because training would not show it.

import Configuration
import Corpora

/// Which part of a training text the steps of an epoch leave out.
///
/// Where lines are sequences, `training.sequence` cuts long ones. A stream loses what does not fill the last step of
/// its lanes, which is much where the text is short.
struct LearntShare {
    /// The lines of what was read, none for a stream, and those whose end is cut off.
    let lines: Int, linesCut: Int
    /// The part of the tokens that is never learnt from, from 0 to 1.
    let leftOut: Double
    private let sequence: Int
    private let isWholeText: Bool

    /// From what an inspection of the text tells.
    init(_ configuration: RunConfiguration, _ text: TextInspection) {
        let training = configuration.training
        sequence = training.sequence
        isWholeText = text.isComplete
        guard configuration.data.shape == .stream else {
            (lines, linesCut, leftOut) = (text.lines.lines, text.linesCut, text.cutShare)
            return
        }
        (lines, linesCut) = (0, 0)
        let tokens = max(0, TextInspection.learnt(of: text.tokensOfFile, configuration.data) - 1)
        let learnt = tokens / training.batch / sequence * sequence * training.batch
        leftOut = tokens > 0 ? Double(tokens - learnt) / Double(tokens) : 0
    }

    /// What to tell the user, in one line; `nil` where no line is cut, or hardly anything of a stream is left out.
    var note: String? {
        if linesCut > 0 {
            let part = isWholeText ? "" : " of those read"
            let what = lines == 1 ? "the only line\(part) is cut" : "\(linesCut) of \(lines) lines\(part) are cut"
            let lineEnds = lines == 1 ? "; the text has no line ends, or a single one" : ""
            return "\(what) at training.sequence \(sequence): \(percentage) of the tokens are never learnt\(lineEnds)"
        }
        guard lines == 0, leftOut >= Self.leftOutMin, leftOut < 1 else { return nil }
        return "\(percentage) of the tokens, at the end of the text, are never learnt: they do not fill a step of "
            + "training.batch lanes by training.sequence tokens; lower one of them"
    }

    /// A smaller part of a stream is not worth a word, and all of it is an error.
    private static let leftOutMin = 0.1

    private var percentage: String {
        let tenths = Int(leftOut * 1000)
        if tenths == 0 { return "less than 0.1 %" }
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10) %" : "\(tenths / 10) %"
    }
}
