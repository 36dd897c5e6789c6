"""Cases for names (protocol section 5) and for text on a terminal (section 9, saving)."""

from __future__ import annotations

from typing import Any

Case = dict[str, Any]


def names() -> dict[str, Any]:
    """names.json."""
    return {"check": [*_good(), *_bad()], "check_all": _lists(), "safe": _safe(), "show": _shown()}


def _good() -> list[Case]:
    rows = [
        ("a.txt", "plain"),
        ("dir/sub/a.txt", "folders"),
        ("Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001f600.txt", "any script"),
        ("e\u0301.txt", "another normal form; readers don't ask"),
        (".profile", "a leading dot; saving takes care of it"),
        ("...a", "dots in front"),
        ("a b", "a space inside"),
        (" a", "a space in front"),
        ("-rf", "a dash in front"),
        ('<>"|?*', "resolved when saving"),
        ("CONSOLE", "begins like a device"),
        ("COM", "a device's name without its number"),
        ("COM10", "two digits"),
        ("LPT\u00b9\u00b2", "two digits"),
        ("xCON", "ends like a device"),
        ("C\u039fN", "a Greek letter in it"),
        ("con\u0131n$", "a dotless i, which only Unicode folds into I"),
        ("a\u200d\u200cb", "joiners, which scripts need"),
        ("a\u2028b", "a line separator is not of category Cc"),
        ("x" * 255, "255 bytes"),
        ("\u00e9" * 127 + "x", "255 bytes in 128 characters"),
        ("/".join(["x" * 204] * 5), "1,024 bytes"),
    ]
    return [{"name": name, "comment": comment, "result": "ok"} for name, comment in rows]


def _bad() -> list[Case]:
    rows = [
        ("empty component", "", "nothing at all"),
        ("empty component", "a//b", ""),
        ("empty component", "a/", "a trailing slash"),
        (".", ".", ""),
        (".", "a/./b", ""),
        ("..", "..", ""),
        ("..", "../a", "out of the folder"),
        ("..", "a/../../b", "out of the folder"),
        ("leading /", "/etc/passwd", "an absolute path"),
        ("backslash", "a\\b", "a separator elsewhere"),
        ("backslash", "..\\a", "out of the folder elsewhere"),
        ("colon", "C:", "a drive"),
        ("colon", "C:a.txt", "a drive"),
        ("colon", "a.txt:stream", "an alternate stream"),
        ("control character", "a\0b", "ends a name in C"),
        ("control character", "a\nb", "two lines in a listing"),
        ("control character", "a\x1b[2Jb", "clears a terminal"),
        ("control character", "a\x7fb", "DEL"),
        ("control character", "a\u0080b", "the first of C1"),
        ("control character", "a\u009fb", "the last of C1"),
        ("direction character", "a\u061cb", "Arabic letter mark"),
        ("direction character", "a\u200eb", "left-to-right mark"),
        ("direction character", "a\u200fb", "right-to-left mark"),
        ("direction character", "a\u202ab", "the first of the embeddings"),
        ("direction character", "a\u202egpj.exe", "reads as aexe.jpg"),
        ("direction character", "a\u2066b", "the first of the isolates"),
        ("direction character", "a\u2069b", "the last of the isolates"),
        ("trailing dot or space", "a.", "lost on Windows"),
        ("trailing dot or space", "a ", "lost on Windows"),
        ("trailing dot or space", "a /b", "of a folder"),
        ("trailing dot or space", "...", "dots alone"),
        ("device", "CON", ""),
        ("device", "con", "case ignored"),
        ("device", "Prn.txt", "with an extension"),
        ("device", "a/aux.tar.gz", "with two, in a folder"),
        ("device", "nul/a", "as a folder"),
        ("device", "CONIN$", ""),
        ("device", "conout$.txt", ""),
        ("device", "COM0", ""),
        ("device", "com9.txt", ""),
        ("device", "LPT0", ""),
        ("device", "lpt9", ""),
        ("device", "COM\u00b9", "superscript one"),
        ("device", "com\u00b2.txt", "superscript two"),
        ("device", "LPT\u00b3", "superscript three"),
        ("component too long", "x" * 256, "256 bytes"),
        ("component too long", "\u00e9" * 128, "256 bytes in 128 characters"),
        ("name too long", "/".join(["x" * 204] * 4 + ["x" * 205]), "1,025 bytes"),
        ("lone surrogate", "a\ud800b", "no text"),
    ]
    return [
        {"name": name, "comment": comment, "result": "integrity", "section9": f"name: {rule}"}
        for rule, name, comment in rows
    ]


def _lists() -> list[Case]:
    same, inside = "name: two equal", "name: one a folder of another"
    rows: list[tuple[list[str], str, str | None]] = [
        ([], "no files", None),
        (["a", "b", "c/a"], "different", None),
        (["a", "A"], "case is resolved when saving", None),
        (["\u00e9", "e\u0301"], "normal forms are resolved when saving", None),
        (["a", "a.b/c", "ab/c"], "no folder, only a beginning", None),
        (["a", "b", "a"], "twice", same),
        (["a", "a/b"], "a file and a folder", inside),
        (["a/b/c", "x", "a"], "a file and a folder, the other way round", inside),
        (["a/b", "a/b/c/d"], "two levels apart", inside),
        (["a", "b/../c"], "each must pass alone", "name: .."),
    ]
    return [
        {"names": list_, "comment": comment, "result": "integrity", "section9": line}
        if line
        else {"names": list_, "comment": comment, "result": "ok"}
        for list_, comment, line in rows
    ]


def _safe() -> list[Case]:
    folders = [str(i) * 200 for i in range(6)]
    rows = [
        ("a.txt", "a.txt", "unchanged"),
        ("e\u0301.txt", "\u00e9.txt", "NFC"),
        ("a:b\\c", "a_b_c", "replaced"),
        ("a\x1bb\u202ec", "a_b_c", "replaced"),
        ("\udcff.txt", "_.txt", "an undecodable byte of a file system"),
        ("/etc/./passwd", "etc/passwd", "empty components and dots go"),
        ("../a", "__/a", "never upwards"),
        ("", "_", "something must stand there"),
        ("a. .", "a___", "each trailing dot and space"),
        ("CON", "_CON", "no device"),
        ("x/nul.tar.gz", "x/_nul.tar.gz", "no device"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt", "the stem is cut, the extension kept"),
        ("\u00e9" * 200, "\u00e9" * 127, "between characters"),
        ("x" * 254 + " y", "x" * 254 + "_", "a cut that ends in a space"),
        ("/".join(folders), "/".join(folders[1:]), "the outermost folder goes"),
    ]
    return [{"name": name, "safe": safe, "comment": comment} for name, safe, comment in rows]


def _shown() -> list[Case]:
    control, direction = "shown: control characters", "shown: direction characters"
    rows = [
        ("a b \u00fc \u65e5 \U0001f600", "a b \u00fc \u65e5 \U0001f600", None, "as it is"),
        ("a\\b", "a\\b", None, "a backslash stays"),
        ("a\x1b[2Jb\x07", "a\\u001b[2Jb\\u0007", control, "ESC and BEL"),
        ("a\nb\tc", "a\\u000ab\\u0009c", control, "one line stays one line"),
        ("a\u009bb", "a\\u009bb", control, "C1"),
        ("a\u202egpj", "a\\u202egpj", direction, "right-to-left override"),
        ("a\u2066b\u200f", "a\\u2066b\\u200f", direction, "isolate and mark"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff", None, "no width"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029", None, "line and paragraph separators"),
        ("a\U000e0041b", "a\\U000e0041b", None, "a tag character"),
        ("a\u3164b", "a\\u3164b", None, "a letter drawn as nothing"),
        ("a\ud800b", "a\\ud800b", None, "a lone surrogate"),
    ]
    cases = [_show(*row, keep_newlines=False) for row in rows]
    kept = _show("a\r\nb\tc\r\x1b", "a\nb\tc\\u000d\\u001b", control, "a note", keep_newlines=True)
    return [*cases, kept]


def _show(
    text: str, shown: str, section9: str | None, comment: str, *, keep_newlines: bool
) -> Case:
    case = {"text": text, "shown": shown, "comment": comment, "keep_newlines": keep_newlines}
    return case | ({"section9": section9} if section9 else {})
