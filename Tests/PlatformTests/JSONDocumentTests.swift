// JSON that anybody may have written, and numbers in sentences.

import Platform
import Testing

private struct Small: Decodable, Equatable {
    var count: Int
    var name: String?
    var parts: [String: [Double]]?
}

private func problem(_ text: String) -> String {
    do {
        _ = try JSONDocument.decode(Small.self, from: Array(text.utf8))
        return "none"
    } catch {
        return "\(error)"
    }
}

@Test(
    "JSON is refused in words that name key and expectation",
    arguments: [
        ("{\"count\": 3}", "none"), ("{\"count\": 3, \"other\": {\"count\": 4}}", "none"),
        ("{\"count\": 3, \"name\": \"a: \\\"count\\\": b\"}", "none"), ("", "not JSON"), ("{", "not JSON"),
        ("nix", "not JSON"),
        ("{\"count\": nix}", "not JSON"),
        ("[]", "expected an object"), ("{}", "the key \"count\" is missing"),
        ("{\"count\": \"x\"}", "the key \"count\": expected a whole number"),
        ("{\"count\": null}", "the key \"count\": expected a whole number, found null"),
        ("{\"count\": 1e99}", "the key \"count\": expected a whole number, found 1e99"),
        ("{\"count\": 2.5, \"parts\": {\"a\": [0.5]}}", "the key \"count\": expected a whole number, found 2.5"),
        ("{\"count\": NaN}", "the key \"count\": expected a whole number, found NaN"),
        (
            "{\"count\": 1, \"parts\": {\"a\": [0.5, 1e999]}}",
            "the key \"a\": expected a number in the range of its type, found 1e999"
        ),
        ("{\"count\": 99999999999999999999}", "the key \"count\": expected a whole number, found 99999999999999999999"),
        ("{\"count\": 3, \"name\": []}", "the key \"name\": expected a text"),
        ("{\"count\": 3, \"parts\": {\"a\": [1, true]}}", "the key \"parts.a.1\": expected a number"),
        ("{\"count\": 3, \"parts\": {\"a\": 1}}", "the key \"parts.a\": expected a list"),
        ("{\"count\": 3, \"count\": 4}", "the key \"count\" is given twice"),
        ("{\"count\": 3, \"parts\": {\"a\": [], \"a\": []}}", "the key \"a\" is given twice"),
    ])
func jsonProblems(text: String, expected: String) {
    #expect(problem(text) == expected)
}

@Test("what is counted is in the plural unless it is one")
func counted() {
    #expect(Counted.text(1, "line") == "1 line" && Counted.text(0, "line") == "0 lines")
    #expect(Counted.text(2, "entry", plural: "entries") == "2 entries" && Counted.noun(1, "token") == "token")
}

@Test("a text says whether it is Latin-1, Windows-1252, or neither")
func eightBitEncodings() {
    #expect(TextEncoding.eightBit(Array("caf".utf8) + [0xE9, 0x0A], faultAt: 3) == "latin1")
    #expect(TextEncoding.eightBit([0x61, 0x20, 0x93, 0x62, 0x94, 0x20, 0x63], faultAt: 2) == "windows-1252")
    #expect(TextEncoding.eightBit([0x61, 0x20, 0x81, 0x62, 0x63, 0x20, 0x63], faultAt: 2) == nil)
    #expect(TextEncoding.eightBit([0x61, 0x62, 0x63, 0xFF, 0x00, 0x01], faultAt: 3) == nil)
    #expect(TextEncoding.fault(in: Array("aé".utf8)) == nil && TextEncoding.fault(in: [0x61, 0xC3, 0xA9, 0xE9]) == 3)
}
