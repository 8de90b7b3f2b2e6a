// The checks before a start, and the first configuration for a text.

import Configuration
import Corpora
import Foundation
import Platform
import Testing

@testable import Preflight

/// A folder that goes with the test.
final class TestFolder {
    let path = NSTemporaryDirectory() + "/rondo-preflight-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ bytes: some Sequence<UInt8>, to name: String = "text") throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

@Suite("checks before a start")
struct RequestCheckTests {
    private func request(_ run: RunConfiguration, _ folder: TestFolder, partitions: Int = 1) -> RunRequest {
        RunRequest(configuration: run, output: folder.path + "/run", workers: 2, partitions: partitions)
    }

    private func configuration(_ path: String) -> RunConfiguration {
        RunConfiguration(
            data: DataConfiguration(train: path), model: ModelConfiguration(layers: 1, hidden: 16, embedding: 8),
            training: TrainingConfiguration(batch: 8, sequence: 16))
    }

    @Test("a run that can start has no findings")
    func sound() throws {
        let folder = try TestFolder()
        let path = try folder.write(String(repeating: "the old house\n", count: 200).utf8)
        #expect(RequestCheck.findings(request(configuration(path), folder)).isEmpty)
    }

    @Test("all problems are found at once, each in one line")
    func several() throws {
        let folder = try TestFolder()
        var run = configuration(folder.path + "/none")
        run.data.validation = .file(folder.path + "/neither")
        run.model.hidden = 4096
        var wanted = request(run, folder, partitions: 256)
        wanted.workers = 5000
        wanted.output = "/proc/1/run"
        let findings = RequestCheck.findings(wanted, limits: [MemoryLimit(.machine, bytes: 1 << 27)])
        let text = findings.map(\.text)
        for words in ["none", "neither", "not enough memory", "open files", "--output", "training.shards is 8"] {
            #expect(text.contains { $0.contains(words) }, "nothing of '\(words)' in \(text)")
        }
        #expect(!text.contains { $0.contains("\n") })
        #expect(findings.last?.kind == .note)
    }

    @Test("partitions are counted against the chunks of the vocabulary that the text has")
    func partitions() throws {
        let folder = try TestFolder()
        let path = try folder.write(String(repeating: "the old house\n", count: 200).utf8)
        let findings = RequestCheck.findings(request(configuration(path), folder, partitions: 200))
        #expect(findings.map(\.kind) == [.usage])
        #expect(findings[0].text.contains("at most 7"))
        #expect(RequestCheck.findings(request(configuration(path), folder, partitions: 7)).isEmpty)
    }

    @Test("a text that is too short for one step is told by its size, even if it was not read to its end")
    func tooShort() throws {
        let folder = try TestFolder()
        let path = try folder.write(String(repeating: "a", count: 100).utf8)
        let findings = RequestCheck.findings(request(configuration(path), folder))
        #expect(findings.map(\.kind) == [.data])
        #expect(findings[0].text.contains("90 tokens, but 129 are needed"))
        var large = configuration(try folder.write(Data(repeating: 97, count: 3 << 20), to: "large"))
        large.training.batch = 60_000
        large.training.sequence = 64
        large.training.shards = 1000
        let text = RequestCheck.findings(request(large, folder)).map(\.text)
        #expect(text.count == 1 && text[0].contains("at most 2831155 tokens"), "\(text)")
    }

    @Test("a run that goes on needs no text any more")
    func resumed() throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/run/data", withIntermediateDirectories: true)
        try folder.write([], to: "run/data/tokenizer.json")
        try folder.write([], to: "run/data/training.tokens")
        var again = request(configuration(folder.path + "/none"), folder)
        #expect(RequestCheck.findings(again).map(\.kind) == [.data])
        again.resumes = true
        #expect(RequestCheck.findings(again).isEmpty)
    }

    @Test("checkpoints that do not fit together are a note; a disk too small for two is a problem")
    func disk() throws {
        let folder = try TestFolder()
        let path = try folder.write(String(repeating: "the old house\n", count: 2000).utf8)
        var run = configuration(path)
        run.checkpoints = CheckpointConfiguration(every: 1, keep: 1_000_000)
        run.training.epochs = 1_000_000
        run.model.hidden = 600
        let findings = RequestCheck.findings(request(run, folder), limits: [])
        #expect(findings.map(\.kind) == [.note])
        #expect(findings.first?.text.contains("checkpoints.keep") == true)
    }
}

@Suite("the forecast of a run")
struct ForecastTests {
    @Test("words, unknown words, steps and time are told")
    func words() throws {
        let folder = try TestFolder()
        // "common" is every second word; the others occur once each.
        let text = (0..<2000).map { "common w\($0)\n" }.joined()
        var run = RunConfiguration(
            data: DataConfiguration(train: try folder.write(text.utf8), tokenizer: .words, vocabulary: 103),
            model: ModelConfiguration(layers: 1, hidden: 16, embedding: 8),
            training: TrainingConfiguration(epochs: 3, batch: 8, sequence: 16))
        run.data.validation = .fraction(0)
        let forecast = RunForecast(RunRequest(configuration: run, output: folder.path + "/run", workers: 2))
        #expect(forecast.findings.isEmpty)
        let read = try #require(forecast.text)
        #expect(read.tokens == 6000 && read.vocabulary == 103 && read.distinctWords == 2001)
        // <unk>, <eos>, "common" and 100 others leave 1,900 of 6,000 tokens unknown.
        #expect(read.unknownShare == 1900.0 / 6000)
        let steps = try #require(forecast.steps)
        #expect(steps.ofEpoch == 5999 / 8 / 16 && steps.total == 3 * steps.ofEpoch)
        #expect(try #require(forecast.time).seconds > 0)
    }

    @Test("lines that are cut are told with the part of the tokens that is never learnt")
    func cut() throws {
        let folder = try TestFolder()
        let text = String(repeating: "a", count: 35_018) + "\n" + String(repeating: "short\n", count: 10)
        let inspected = try TextInspection(
            path: try folder.write(text.utf8), data: DataConfiguration(train: "", shape: .sequences), longest: 512,
            bytesMax: .max)
        #expect(inspected.linesCut == 1 && inspected.tokensCut == 35_019 - 512)
        #expect(inspected.tokens == 35_019 + 60 && inspected.lines.lines == 11 && inspected.isComplete)
        // With <eos>.
        #expect(inspected.vocabulary == "ashort".count + 1)
    }

    @Test("of a large text a part is read, and the answer says so")
    func part() throws {
        let folder = try TestFolder()
        let line = Array("the old house of the king\n".utf8)
        let path = try folder.write((0..<200_000).flatMap { _ in line })
        let data = DataConfiguration(train: path)
        let part = try TextInspection(path: path, data: data, longest: 64, bytesMax: 1 << 20)
        let whole = try TextInspection(path: path, data: data, longest: 64, bytesMax: .max)
        #expect(!part.isComplete && whole.isComplete)
        #expect(part.bytesRead < 3 << 20 && whole.tokens == 5_200_000)
        #expect(abs(part.tokensOfFile - whole.tokens) < whole.tokens / 100)
    }

    @Test("the tokens of the longest lines are never fewer than they are, and at most a sixteenth more")
    func lineLengths() {
        var lengths = LineLengths()
        var all: [Int] = []
        var random = TestRandom(seed: .random(in: 0...UInt64.max))
        for _ in 0..<2000 {
            let length = Int.random(in: 0...(1 << Int.random(in: 1...40, using: &random)), using: &random)
            lengths.note(length)
            all.append(length)
        }
        all.sort(by: >)
        for (count, most) in [(1, Int.max), (32, Int.max), (32, 1000), (5000, Int.max), (5000, 64)] {
            let exact = all.prefix(count).reduce(0) { $0 + min($1, most) }
            let bound = lengths.tokensOfLongest(count, lengthMax: most)
            #expect(bound >= exact && Double(bound) <= Double(exact) * (17.0 / 16) + 1)
        }
        #expect(lengths.tokensOfLongest(0, lengthMax: 5) == 0)
    }
}

@Suite("a first configuration")
struct StarterConfigurationTests {
    @Test(
        "every text gets one that can be trained as it is",
        arguments: [
            ("ab", 1), ("a", 100), ("the old house of the king\n", 5), ("the old house of the king\n", 4000),
            ("Anna\n", 300), ("日本語のテキスト。", 3000), ("\u{1F600} \"quoted\" \\ # : {x}\n", 500),
        ])
    func trains(text: String, count: Int) throws {
        let folder = try TestFolder()
        let path = try folder.write(String(repeating: text, count: count).utf8, to: "a \"text\": #1.txt")
        let starter = try StarterConfiguration(text: path)
        let run = try RunConfiguration(yaml: starter.yaml, file: "starter.yaml")
        #expect(run.data.train == path)
        #expect(
            starter.yaml.split(separator: "\n").allSatisfy {
                $0.count <= 120 || $0.contains("train:") || $0.hasPrefix("# A")
            })
        let request = RunRequest(configuration: run, output: folder.path + "/run", workers: 1)
        #expect(RequestCheck.findings(request).isEmpty, "\(starter.yaml)")
        let inspected = try RequestCheck.inspect(request, bytesMax: .max)
        #expect(RunSteps(run, inspected) != nil)
        #expect((run.data.shape == .sequences) == (text == "Anna\n" || text.contains("quoted")))
    }

    @Test("what is no UTF-8 is learnt byte by byte; an empty file is refused")
    func bytes() throws {
        let folder = try TestFolder()
        let starter = try StarterConfiguration(text: try folder.write((0..<3000).map { UInt8(128 + $0 % 100) }))
        #expect(try RunConfiguration(yaml: starter.yaml, file: "x").data.tokenizer == .bytes)
        #expect(throws: CorpusError.self) { try StarterConfiguration(text: try folder.write([])) }
        #expect(throws: CorpusError.self) { try StarterConfiguration(text: folder.path) }
    }
}
