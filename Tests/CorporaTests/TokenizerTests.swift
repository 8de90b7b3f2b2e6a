// Vocabularies and what they do to text.

import Testing

@testable import Corpora

@Suite("Tokenizers")
struct TokenizerTests {
    @Test("characters are numbered by value, as sorted(set(text)) numbers them")
    func characters() throws {
        let tokenizer = Tokenizer(characters: "zebra Übung\n".unicodeScalars, endOfSequence: false)
        #expect(tokenizer.symbols == ["\n", " ", "a", "b", "e", "g", "n", "r", "u", "z", "Ü"])
        #expect(try tokenizer.encode("Ü a\nz") == [10, 1, 2, 0, 9])
        #expect(tokenizer.decode([10, 1, 2, 0, 9]) == "Ü a\nz")
        #expect(tokenizer.endOfSequence == nil && tokenizer.unknown == nil && tokenizer.count == 11)
    }

    @Test("characters of sequences are followed by <eos>, which decodes to a line end")
    func charactersWithEnd() throws {
        let tokenizer = Tokenizer(characters: "ab".unicodeScalars, endOfSequence: true)
        #expect(tokenizer.symbols == ["a", "b", "<eos>"])
        #expect(tokenizer.endOfSequence == 2)
        #expect(tokenizer.decode([0, 1, 2, 1]) == "ab\nb")
    }

    @Test("an unknown character is named with its line")
    func unknownCharacter() {
        let tokenizer = Tokenizer(characters: "ab\n".unicodeScalars, endOfSequence: false)
        #expect(throws: TokenizerError.unknownSymbol("é", line: 3)) { try tokenizer.encode("a\nb\nbé") }
        #expect(
            TokenizerError.unknownSymbol("é", line: 3).description
                == "line 3: the symbol 'é' (U+00E9) is not in the vocabulary")
        #expect(quoted("\t") == "U+0009" && quoted("x") == "'x'" && quoted("\u{1F600}") == "'😀' (U+1F600)")
    }

    @Test("scalars that look the same are two symbols, also when they are read again")
    func canonicalEquivalence() throws {
        let tokenizer = Tokenizer(characters: ["\u{C5}", "\u{212B}", "e", "\u{301}", "\u{E9}"], endOfSequence: false)
        #expect(tokenizer.count == 5)
        #expect(try tokenizer.encode("\u{212B}e\u{301}") == [4, 0, 3])
        let again = try Tokenizer(json: tokenizer.json())
        #expect(again == tokenizer)
        #expect(again.symbols.map { Array($0.unicodeScalars) } == tokenizer.symbols.map { Array($0.unicodeScalars) })
        let one = Tokenizer(characters: ["\u{C5}"], endOfSequence: false)
        #expect(one != Tokenizer(characters: ["\u{212B}"], endOfSequence: false))
    }

    @Test("bytes are their own tokens, and print readably")
    func bytes() throws {
        let tokenizer = Tokenizer(bytesWithEndOfSequence: true)
        #expect(tokenizer.count == 257 && tokenizer.endOfSequence == 256)
        #expect(try tokenizer.encode("ü\n") == [0xC3, 0xBC, 0x0A])
        #expect(tokenizer.text(of: 0x41) == "A" && tokenizer.text(of: 0x0A) == "<0x0A>")
        #expect(tokenizer.decode([0x61, 0xC3, 0xBC, 256, 0xC3]) == "aü\n\u{FFFD}")
        #expect(Tokenizer(bytesWithEndOfSequence: false).count == 256)
    }

    @Test("words are cut at all white space, unknown ones become <unk>, line ends <eos>")
    func words() throws {
        let tokenizer = Tokenizer(words: ["the", "cat", "naïve"])
        #expect(tokenizer.symbols == ["<unk>", "<eos>", "the", "cat", "naïve"])
        let text = "  the\tcat\u{A0}sat\u{3000}naïve\r\n\n the <unk>\u{2028}<eos>"
        #expect(try tokenizer.encode(text) == [2, 3, 0, 4, 1, 1, 2, 0, 1])
        #expect(tokenizer.decode([2, 3, 1, 4, 2]) == "the cat\nnaïve the")
        #expect(try tokenizer.encode("").isEmpty)
    }

    @Test("any text of known characters comes back unchanged")
    func roundTrip() throws {
        var random = SplitMix()
        let alphabet = Array("a\n\0ß\u{7FF}\u{800}漢\u{FFFF}😀\u{10FFFF}".unicodeScalars)
        let tokenizer = Tokenizer(characters: alphabet, endOfSequence: false)
        for _ in 0..<200 {
            var text = ""
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                text.unicodeScalars.append(alphabet.randomElement(using: &random)!)
            }
            let decoded = tokenizer.decode(try tokenizer.encode(text))
            #expect(decoded.unicodeScalars.elementsEqual(text.unicodeScalars))
        }
    }

    @Test("a decoder gives whole characters as soon as they are complete, and all bytes together as String does")
    func streaming() {
        let tokenizer = Tokenizer(bytesWithEndOfSequence: false)
        var decoder = TokenTextDecoder(tokenizer)
        #expect([0xF0, 0x9F, 0x98, 0x80, 0x61].map { decoder.append($0) } == ["", "", "", "😀", "a"])
        #expect(decoder.append(0xE2) == "" && decoder.append(0x82) == "" && decoder.finish() == "\u{FFFD}")
        var random = SplitMix()
        let likely = Array("aü€😀".utf8) + [0xED, 0xA0, 0xF4, 0x90, 0xFF]
        for _ in 0..<1_000 {
            let bytes = (0..<Int.random(in: 0..<12, using: &random)).map { _ in likely.randomElement(using: &random)! }
            #expect(tokenizer.decode(bytes.map { Int32($0) }) == String(decoding: bytes, as: UTF8.self), "\(bytes)")
        }
    }
}

@Suite("tokenizer.json")
struct TokenizerJSONTests {
    @Test(
        "a tokenizer comes back from its JSON, with the same bytes",
        arguments: [
            Tokenizer(characters: "\0\"\\/\n aé漢😀\u{FEFF}".unicodeScalars, endOfSequence: false),
            Tokenizer(characters: "ab".unicodeScalars, endOfSequence: true),
            Tokenizer(bytesWithEndOfSequence: false), Tokenizer(bytesWithEndOfSequence: true),
            Tokenizer(words: ["the", "cat", "the", "a\"b"]), Tokenizer(words: [] as [String]),
        ])
    func roundTrip(tokenizer: Tokenizer) throws {
        let json = tokenizer.json()
        let again = try Tokenizer(json: json)
        #expect(again == tokenizer)
        #expect(again.json() == json)
    }

    @Test("it is readable")
    func text() {
        let text = String(
            decoding: Tokenizer(characters: "hello".unicodeScalars, endOfSequence: true).json(), as: UTF8.self)
        #expect(text == #"{"endOfSequence":4,"kind":"characters","symbols":["e","h","l","o","<eos>"]}"#)
        let bytes = String(decoding: Tokenizer(bytesWithEndOfSequence: false).json(), as: UTF8.self)
        #expect(bytes == #"{"kind":"bytes"}"#)
    }

    @Test(
        "what is not a vocabulary is refused with a reason",
        arguments: [
            ("", "not JSON"),
            ("[]", "expected an object"),
            ("{}", "the key \"kind\" is missing"),
            (#"{"kind":"characters"}"#, "the key \"symbols\" is missing"),
            (#"{"kind":"letters","symbols":[]}"#, "the key \"kind\": none of the words that can stand there"),
            (#"{"kind":"bytes","kind":"words"}"#, "the key \"kind\" is given twice"),
            (#"{"kind":"characters","symbols":[]}"#, "it has no symbols"),
            (#"{"kind":"characters","symbols":["a","a"]}"#, "the symbol 'a' is out of order"),
            (#"{"kind":"characters","symbols":["ab"]}"#, "the symbol 'ab' is not one character"),
            (#"{"kind":"characters","symbols":["a",5]}"#, "the key \"symbols.1\": expected a text"),
            (#"{"kind":"characters","symbols":["a"],"endOfSequence":0}"#, "the last symbol must be <eos>"),
            (
                #"{"kind":"characters","symbols":["a","<eos>"],"endOfSequence":7}"#,
                "endOfSequence or unknown is not the token it must be"
            ),
            (#"{"kind":"words","symbols":["the"]}"#, "the first symbols must be <unk> and <eos>"),
            (
                #"{"kind":"words","symbols":["<unk>","<eos>","a","a"],"endOfSequence":1,"unknown":0}"#,
                "a word is given twice, or there are more than 3"
            ),
            (
                #"{"kind":"words","symbols":["<unk>","<eos>","a"]}"#,
                "endOfSequence or unknown is not the token it must be"
            ),
        ])
    func refused(json: String, problem: String) {
        #expect(throws: TokenizerError.invalidVocabulary(problem)) { try Tokenizer(json: Array(json.utf8)) }
    }
}
