// Whatever lies on a disk: configurations, vocabularies, token files, texts, checkpoints, keys.

import Configuration
import Corpora
import Foundation
import Messaging
import Supervisor
import Tasks
import Testing

@testable import Checkpoints

private let yaml = """
    task: language-model
    data: {train: corpus.txt, validation: 0.1, tokenizer: characters, shape: stream}
    model: {cell: lstm, layers: 2, hidden: 24, embedding: 12, dropout: 0.1}
    training:
      epochs: 2
      batch: 12
      sequence: 16
      shards: 6
      adam: {rate: 0.01, beta1: 0.9}
      clip: 1.0
      seed: 7
    checkpoints: {every: 10, keep: 2}
    """

private func configuration(_ data: DataConfiguration) -> RunConfiguration {
    RunConfiguration(data: data, training: TrainingConfiguration(batch: 1, sequence: 1, shards: 1))
}

@Suite("fuzzed files", .serialized)
struct FileFuzzTests {
    @Test("any YAML text gives a configuration within its limits, or an error with its place")
    func yamlConfigurations() {
        var sound = 0
        let words = Fuzzer.textWords + ["training", "adam", "data", "model: ", "  ", "{", "hidden: 99999999999"]
        Fuzzer([Array(yaml.utf8)], words: words).run(5_000) { input, comment in
            do throws(ConfigurationError) {
                let run = try RunConfiguration(yaml: String(decoding: input, as: UTF8.self), file: "fuzzed.yaml")
                sound += 1
                #expect(run.training.shards >= 1 && run.training.batch >= 1 && run.model.hidden >= 1, comment)
                #expect((try? RunConfiguration(json: run.json())) == run, comment)
            } catch {
                #expect(!error.description.isEmpty, comment)
            }
        }
        #expect(sound > 100)
    }

    @Test("any override gives a configuration or an error with its key")
    func overrides() {
        let samples = ["training.adam.rate=0.01", "model.cell=gru", "data.train=a b c", "checkpoints.keep=1"]
        Fuzzer(samples.map { Array($0.utf8) }, words: ["=", ".", "..", "training", "[", "{a: b}"]).run(5_000) {
            input, comment in
            do throws(ConfigurationError) {
                _ = try RunConfiguration(
                    yaml: yaml, file: "run.yaml", overrides: [String(decoding: input, as: UTF8.self)])
            } catch { #expect(!error.description.isEmpty, comment) }
        }
    }

    @Test("any JSON gives a configuration or an error, and the same as its own JSON")
    func jsonConfigurations() throws {
        let json = try RunConfiguration(yaml: yaml, file: "run.yaml").json()
        Fuzzer([json], words: Fuzzer.textWords).run(10_000) { input, comment in
            do throws(ConfigurationError) {
                let run = try RunConfiguration(json: input)
                #expect((try? RunConfiguration(json: run.json())) == run, comment)
            } catch { #expect(!error.description.isEmpty, comment) }
        }
    }

    @Test("any run.json gives a record that can be written again, or a typed error")
    func runRecords() throws {
        let record = RunRecord(
            version: RunRecord.libraryVersion, run: "00112233", step: 20, totalSteps: 100, stepsPerEpoch: 50, epoch: 0,
            stepInEpoch: 20, lastEvaluated: 10, validationLoss: 1.5, bestValidationLoss: 1.25, bestStep: 10,
            smoothedLoss: 1.75, carriedState: "state.safetensors", data: ["training": "ab"], vocabulary: 65)
        let run = try RunConfiguration(yaml: yaml, file: "run.yaml")
        let json = try record.json(configuration: run.json())
        Fuzzer([json], words: Fuzzer.textWords).run(20_000) { input, comment in
            do throws(RunRecordError) {
                let (record, run) = try RunRecord.decode(input, path: "run.json")
                #expect((try? record.json(configuration: run.json())) != nil, comment)
            } catch { #expect(!"\(error)".isEmpty, comment) }
        }
    }

    @Test("any tokenizer.json gives a vocabulary that encodes what it decodes, or a typed error")
    func tokenizers() throws {
        let samples = [
            Tokenizer(characters: "abc äöü 𝄞\n".unicodeScalars, endOfSequence: true).json(),
            Tokenizer(bytesWithEndOfSequence: false).json(),
            Tokenizer(words: ["<eos>", "the", "river", "runs", "Ärger"]).json(),
        ]
        Fuzzer(samples, words: Fuzzer.textWords + ["<eos>", "characters", "words", "bytes"]).run(20_000) {
            input, comment in
            do throws(TokenizerError) {
                let tokenizer = try Tokenizer(json: input)
                let again = try Tokenizer(json: tokenizer.json())
                #expect(again.count == tokenizer.count && tokenizer.count > 0, comment)
            } catch { #expect(!error.description.isEmpty, comment) }
        }
    }

    @Test("any token file gives tokens of its vocabulary and lines that hold some, or a typed error")
    func tokenFiles() throws {
        let scratch = try Scratch()
        let text = try scratch.write(Array("the river runs\nto the sea\nand back\n".utf8), to: "corpus.txt")
        var samples: [[UInt8]] = []
        for shape in ["stream", "sequences"] {
            let run = try RunConfiguration(
                yaml: """
                    task: language-model
                    data: {train: \(text), validation: 0, shape: \(shape)}
                    training: {batch: 1, sequence: 1, shards: 1}
                    """, file: "run.yaml")
            let corpus = try CorpusBuilder.prepare(run, into: "\(scratch.path)/\(shape)")
            samples.append([UInt8](try Data(contentsOf: URL(fileURLWithPath: corpus.training.path))))
        }
        var sound = 0
        try Fuzzer(samples, words: ["RONDOTOK"]).run(5_000) { input, comment in
            let path = try scratch.write(input, to: "fuzzed.tokens")
            do throws(CorpusError) {
                let tokens = try MappedTokens(path: path)
                sound += 1
                #expect(tokens.tokens(0..<tokens.count).allSatisfy { $0 >= 0 && $0 < tokens.vocabularyCount }, comment)
                for line in 0..<tokens.lineCount { #expect(!tokens.line(line).isEmpty, comment) }
            } catch { #expect(!error.description.isEmpty, comment) }
        }
        #expect(sound > 20)
    }

    @Test(
        "a text of any bytes becomes tokens or an error with its place",
        arguments: [TokenizerKind.characters, .bytes, .words], [StreamShape.stream, .sequences])
    func texts(tokenizer: TokenizerKind, shape: StreamShape) throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/corpus.txt"
        let data = DataConfiguration(train: path, validation: .fraction(0), tokenizer: tokenizer, shape: shape)
        let sample = Array("The river runs\r\nto the sea — ä ö ü 𝄞\n\n  and back again.\n".utf8)
        let utf16 = Array("river".utf16).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let words = ["\r\n", "\n\n", "\u{FEFF}", "\u{85}", "\u{2029}", "<eos>", "\u{10FFFF}", "\u{0}"]
        var sound = 0
        try Fuzzer([sample, [0xFF, 0xFE] + utf16], words: words).run(150) { input, comment in
            try scratch.write(input, to: "corpus.txt")
            do throws(CorpusError) {
                let corpus = try CorpusBuilder.prepare(configuration(data), into: "\(scratch.path)/data")
                sound += 1
                let tokens = try MappedTokens(verifying: corpus.training)
                #expect(tokens.vocabularyCount == corpus.tokenizer.count, comment)
            } catch { #expect(!error.description.isEmpty, comment) }
        }
        #expect(sound > 5)
    }

    @Test("a checkpoint folder with damaged files is refused, file by file")
    func checkpointFolders() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/step-00000001"
        let folder = try CheckpointFolder.write(to: path) { draft throws(CheckpointError) in
            try draft.add(CheckpointFile.run, bytes: Array("{\"value\":1}".utf8))
            try draft.addTensors(CheckpointFile.model, [TensorDeclaration("decoder.bias", shape: [3])]) {
                tensor, writer throws(CheckpointError) in
                for _ in 0..<tensor.count { try writer.append([1]) }
            }
        }
        let names = [CheckpointFile.run, CheckpointFile.model, CheckpointFile.manifest]
        let originals = try names.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\($0)"))) }
        var place = 0
        var whole = 0
        try Fuzzer(originals, words: Fuzzer.textWords).run(1_500) { input, comment in
            place = (place + 1) % names.count
            try scratch.write(input, to: "step-00000001/\(names[place])")
            defer { _ = try? scratch.write(originals[place], to: "step-00000001/\(names[place])") }
            do throws(CheckpointError) {
                // Other blanks in the manifest are the same manifest.
                let opened = try CheckpointFolder.open(path: path)
                whole += 1
                #expect(opened.folder.verify().isEmpty, comment)
            } catch { #expect(!error.description.isEmpty, comment) }
        }
        #expect(whole < 150)
        #expect(try CheckpointFolder.open(path: path).folder.verify().isEmpty)
    }

    @Test("a file of keys with any content gives keys or an error with its line")
    func keyFiles() throws {
        let scratch = try Scratch()
        let pair = try CurveKeyPair.generate()
        let text = "# Keys of Rondo\n\(pair.publicKey.text) alice\n\n\(pair.secretKey.text)\n"
        try Fuzzer([Array(text.utf8)], words: ["# ", "\n", " ", "\r\n"]).run(3_000) { input, comment in
            let path = try scratch.write(input, to: "keys")
            do { _ = try KeyFiles.publicKeys(path) } catch {
                #expect((error as? ProgramFailure)?.status == .usage, comment)
            }
            do { _ = try KeyFiles.pair(path) } catch {
                #expect((error as? ProgramFailure)?.status == .usage, comment)
            }
        }
    }
}
