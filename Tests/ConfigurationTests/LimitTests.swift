// Sizes that fit one by one but not together are refused with the key and the limit.

import Testing

@testable import Configuration

@Suite("limits of several keys")
struct LimitTests {
    private func problem(_ overrides: String...) -> String? {
        do {
            _ = try RunConfiguration(
                yaml: "task: language-model\ndata: {train: x}\n", file: "run.yaml", overrides: overrides)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("dropout has masks for 65,536 time steps, and for as many lanes of a shard")
    func dropout() throws {
        #expect(problem("model.dropout=0.1", "training.sequence=65536", "training.batch=32") == nil)
        #expect(problem("training.sequence=65537") == nil)
        let sequence = try #require(problem("model.dropout=0.1", "training.sequence=65537"))
        #expect(sequence.contains("training.sequence") && sequence.contains("65536"))
        let small = ["model.hidden=8", "model.layers=1", "model.cell=elman", "training.sequence=1"]
        func batch(_ overrides: [String]) -> String? {
            do {
                _ = try RunConfiguration(
                    yaml: "task: language-model\ndata: {train: x}\n", file: "x", overrides: small + overrides)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(batch(["model.dropout=0.1", "training.batch=65536", "training.shards=1"]) == nil)
        let shards = try #require(batch(["model.dropout=0.1", "training.batch=70000", "training.shards=1"]))
        #expect(shards.contains("training.shards") && shards.contains("at least 2"))
        #expect(batch(["model.dropout=0.1", "training.batch=70000", "training.shards=2"]) == nil)
    }

    @Test("a shard's hidden state is at most 16 MiB")
    func states() throws {
        // 2 layers × 2 states × 1024 units × 4 bytes = 16 KiB a lane.
        let size = ["model.hidden=1024", "training.shards=2", "training.sequence=1"]
        #expect(problem(size[0], size[1], size[2], "training.batch=2048") == nil)
        let text = try #require(problem(size[0], size[1], size[2], "training.batch=2049"))
        #expect(text.contains("training.shards") && text.contains("16777216") && text.contains("at least 3"))
        #expect(problem("model.hidden=65536", "model.layers=64")?.contains("model.hidden or model.layers") == true)
        // Sequences carry nothing.
        #expect(problem(size[0], size[1], size[2], "training.batch=2049", "data.shape=sequences") == nil)
    }

    @Test("a step of a stream has at most 134,217,728 tokens")
    func tokens() throws {
        let small = ["model.hidden=1", "model.layers=1", "training.shards=4000"]
        #expect(problem(small[0], small[1], small[2], "training.batch=1000000", "training.sequence=134") == nil)
        let text = try #require(
            problem(small[0], small[1], small[2], "training.batch=1000000", "training.sequence=135"))
        #expect(text.contains("135000000 tokens") && text.contains("134217728"))
    }

    @Test("the JSON of a run is checked in the same way")
    func json() {
        var run = RunConfiguration(data: DataConfiguration(train: "x"))
        run.model.dropout = 0.5
        run.training.sequence = 65_537
        #expect(throws: ConfigurationError.self) { try RunConfiguration(json: run.json()) }
    }
}
