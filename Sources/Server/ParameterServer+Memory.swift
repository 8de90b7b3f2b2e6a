// Whether a run fits into this machine, once its vocabulary is known.

import Corpora
import Platform
import Tasks

extension ParameterServer {
    /// Refuses a run that needs more memory than there is, before any is taken for it.
    ///
    /// - Throws: `ServerError.usage` with the keys to lower, `.data` if the prepared text cannot be read.
    static func requireMemory(_ options: ServerOptions, _ corpus: PreparedCorpus) throws(ServerError) {
        var stepTokens: Int?
        if options.configuration.data.shape == .sequences {
            do { stepTokens = try largestStep(options, corpus) } catch { throw .data("\(error)") }
        }
        let size = RunSize(
            options.configuration, vocabulary: corpus.tokenizer.count, workers: options.expectedWorkers,
            partitions: options.partitionServers.count + 1, stepTokens: stepTokens)
        if let problem = size.problem(within: MemoryLimits.current, startsWorkers: options.hostsWorkers) {
            throw .usage(problem)
        }
    }

    /// The tokens of the batch of the longest lines.
    private static func largestStep(_ options: ServerOptions, _ corpus: PreparedCorpus) throws(CorpusError) -> Int {
        let tokens = try MappedTokens(path: corpus.training.path)
        var lengths = LineLengths()
        for line in 0..<tokens.lineCount { lengths.note(tokens.line(line).count + 1) }
        let training = options.configuration.training
        return lengths.tokensOfLongest(training.batch, lengthMax: training.sequence)
    }
}
