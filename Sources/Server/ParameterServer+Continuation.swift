// What a run goes on with: its data as they were prepared, and a configuration that may have changed since.

import Configuration
import Corpora
import Foundation
import Logging
import Platform
import Tasks

/// What the preparation of the data needs to know of a run's directory; it goes on while the server answers.
struct DataPlace: Sendable {
    let path: String
    let dataPath: String
    let comparisonPath: String
    let incarnation: UInt64
    let changes: ConfigurationChanges

    init(_ directory: borrowing RunDirectory) {
        (path, dataPath, comparisonPath) = (directory.path, directory.dataPath, directory.comparisonPath)
        (incarnation, changes) = (directory.identity.incarnation, directory.changes)
    }
}

extension ParameterServer {
    /// The run's data: prepared once, by its first server; a text that changed since changes no run. Another path, or
    /// another limit of the vocabulary, must give the same data.
    static func prepareCorpus(
        _ configuration: RunConfiguration, in directory: DataPlace, logger: Logger
    ) throws(ServerError) -> PreparedCorpus {
        // Nobody else writes here: what is not finished was left by a server that was killed.
        CorpusBuilder.removeLeftovers(in: directory.dataPath)
        let validates = configuration.data.validation != .fraction(0)
        let moved = directory.changes.with(.data)
        do {
            if directory.incarnation > 1, let corpus = try? PreparedCorpus(directory: directory.dataPath),
                !validates || corpus.validation != nil
            {
                if !moved.isEmpty { try requireSame(corpus, configuration, moved, in: directory, logger: logger) }
                return corpus
            }
            logger.info("preparing the data", metadata: ["train": "\(configuration.data.train)"])
            return try CorpusBuilder.prepare(configuration, into: directory.dataPath)
        } catch let error as ServerError {
            throw error
        } catch {
            let isStorageFailure = (error as? CorpusError)?.isStorageFailure ?? false
            throw isStorageFailure ? .storage("\(error)") : .data("\(error)")
        }
    }

    /// Prepares the data of another path beside those of the run, and compares the two.
    ///
    /// - Throws: `ServerError.directory` if they differ, `CorpusError` if the text cannot be read.
    private static func requireSame(
        _ corpus: PreparedCorpus, _ configuration: RunConfiguration, _ moved: [ConfigurationChanges.Change],
        in directory: DataPlace, logger: Logger
    ) throws {
        let names = moved.map { "\($0.key) \($0.new)" }.joined(separator: ", ")
        logger.info("comparing the data with those of the run", metadata: ["changed": "\(names)"])
        let path = directory.comparisonPath
        // A server that was killed may have left some behind.
        try? FileManager.default.removeItem(atPath: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let other = try CorpusBuilder.prepare(configuration, into: path)
        let place = directory.path
        let differs: (String) -> ServerError = {
            .directory(
                "\(place): \(names) holds other \($0) than the run there was begun with; a run keeps its data: "
                    + "give the old text, or choose another --output")
        }
        guard other.tokenizer == corpus.tokenizer else { throw differs("symbols") }
        guard other.training.sha256 == corpus.training.sha256 else { throw differs("text") }
        guard other.validation?.sha256 == corpus.validation?.sha256 else { throw differs("validation text") }
        PreparedTexts.move(from: path, to: directory.dataPath)
    }

    /// The changes of a run's keys so far, and those with which it goes on.
    static func recorded(
        _ changes: ConfigurationChanges, after step: Int, _ earlier: [RecordedChange]
    ) -> [RecordedChange] {
        earlier
            + changes.with(.stepsToCome).map {
                RecordedChange(step: step, key: $0.key, old: $0.old, new: $0.new)
            }
    }

    /// A run cannot go back: it has at least the steps that were done.
    ///
    /// - Throws: `ServerError.directory` if the configuration has fewer.
    static func requireSteps(
        after record: RunRecord, _ task: LanguageModelTask, in directory: borrowing RunDirectory
    ) throws(ServerError) {
        let recorded = directory.changes.with(.stepsToCome).map { "\($0.key) \($0.new)" }
        guard recorded.isEmpty || record.step < task.totalSteps else {
            throw .directory(
                "\(directory.path): the run there is complete, and nothing would be computed with "
                    + "\(recorded.joined(separator: ", ")); raise training.epochs as well")
        }
        let done = max(record.step, record.positions?.max() ?? 0)
        guard done > task.totalSteps else { return }
        throw .directory(
            "\(directory.path): the run there has done \(Counted.text(done, "step")), "
                + "and training.epochs \(task.epochs)"
                + (task.configuration.training.steps.map { ", training.steps \($0)" } ?? "")
                + " ask for \(task.totalSteps): nothing is changed or lost; ask for at least \(done), or choose "
                + "another --output to begin anew")
    }
}
