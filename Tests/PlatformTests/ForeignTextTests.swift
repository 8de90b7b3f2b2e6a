// What becomes of text that somebody else wrote.

import Platform
import Testing

@Test(
    "control characters, line ends and marks of direction are shown as escapes",
    arguments: [
        ("plain ä 漢 🙂 a\u{301}", "plain ä 漢 🙂 a\u{301}"), ("\u{1B}[2J", "\\e[2J"), ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("bell\u{7}", "bell\\u{7}"), ("\u{9B}31m", "\\u{9b}31m"), ("\u{202E}txt", "\\u{202e}txt"),
        ("\u{2028}", "\\u{2028}"), ("\u{7F}\0", "\\u{7f}\\u{0}"),
    ])
func controlCharactersAreEscaped(text: String, shown: String) {
    #expect(Array(ForeignText.shown(text).utf8) == Array(shown.utf8))
}

@Test("a text is limited in bytes, however few characters they make")
func textIsLimitedInBytes() {
    let accents = "a" + String(repeating: "\u{301}", count: 1_000_000)
    #expect(accents.count == 1)
    #expect(ForeignText.limited(accents).utf8.count <= ForeignText.nameBytesMax)
    #expect(ForeignText.shown(accents).utf8.count <= ForeignText.messageBytesMax + 3)
    #expect(ForeignText.limited("ééé", bytesMax: 5) == "éé")
    #expect(ForeignText.limited("short", bytesMax: 5) == "short")
    #expect(ForeignText.limited("x", bytesMax: 0) == "")
}
