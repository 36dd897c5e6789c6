/** Which view a file gets: a mistake here renders what a stranger wrote, or shows nothing. */

import { describe, expect, it } from "vitest";

import { utf8 } from "../src/bytes";
import { viewable } from "../src/viewable";

const PNG = bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
const GIF = bytes("GIF89a/*<script>alert(1)</script>");
const MP4 = bytes("\0\0\0\x20ftypisom\0\0\x02\0");
const SVG = utf8('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>');

function bytes(latin1: string): Uint8Array {
  return Uint8Array.from(latin1, (char) => char.charCodeAt(0));
}

function kindOf(name: string, type: string, first: Uint8Array): string | null {
  return viewable(name, type, first)?.kind ?? null;
}

describe("what a browser would render as a document is source", () => {
  it.each([
    ["a.svg", "image/svg+xml", SVG],
    ["a.svg", "", SVG],
    ["a.png", "image/svg+xml", PNG],
    ["a.svg", "image/png", PNG],
    ["a.html", "text/plain", utf8("hello")],
    ["a", "text/html", utf8("hello")],
    ["a", "TEXT/HTML", utf8("hello")],
    ["a.xhtml", "application/xhtml+xml", utf8("hello")],
    ["a.xml", "", utf8("<a/>")],
    ["a", "application/rss+xml", utf8("<a/>")],
    ["a.mht", "", utf8("MIME-Version: 1.0")],
    ["a", "multipart/related", utf8("MIME-Version: 1.0")],
    ["a.js", "", utf8("alert(1)")],
    ["a", "application/javascript", utf8("alert(1)")],
    ["folder.png/a.html", "image/png", PNG],
  ])("%s of type %s", (name, type, first) => {
    expect(viewable(name, type, first)).toEqual({ kind: "source", mime: "text/plain" });
  });

  it("markup that declares nothing", () => {
    expect(kindOf("a", "", utf8("\ufeff  <!doctype html>"))).toBe("source");
    expect(kindOf("a.unknown", "application/x-unknown", utf8("<svg"))).toBe("source");
  });
});

describe("a binary kind must begin as one", () => {
  it.each([
    ["a.png", "image/png", PNG, "image", "image/png"],
    ["a.jpg", "", bytes("\xff\xd8\xff\xe0"), "image", "image/jpeg"],
    ["a.png", "image/png", bytes("\xff\xd8\xff\xe0"), "image", "image/jpeg"],
    ["a.gif", "", GIF, "image", "image/gif"],
    ["a.webp", "", bytes("RIFF\x10\0\0\0WEBPVP8 "), "image", "image/webp"],
    ["a.avif", "", bytes("\0\0\0\x1cftypavif"), "image", "image/avif"],
    ["a.bmp", "", bytes("BM\x36\0\0\0\0\0\0\0"), "image", "image/bmp"],
    ["a.mp4", "", MP4, "video", "video/mp4"],
    ["a.mov", "video/quicktime", bytes("\0\0\0\x08wide"), "video", "video/mp4"],
    ["a.webm", "", bytes("\x1aE\xdf\xa3"), "video", "video/webm"],
    ["a.webm", "audio/webm", bytes("\x1aE\xdf\xa3"), "audio", "audio/webm"],
    ["a.ogv", "", bytes("OggS"), "video", "video/ogg"],
    ["a.m4a", "", MP4, "audio", "audio/mp4"],
    ["a.mp3", "", bytes("ID3\x04"), "audio", "audio/mpeg"],
    ["a.mp3", "", bytes("\xff\xfb\x90"), "audio", "audio/mpeg"],
    ["a.aac", "", bytes("\xff\xf1\x50"), "audio", "audio/aac"],
    ["a.wav", "", bytes("RIFF\x10\0\0\0WAVEfmt "), "audio", "audio/wav"],
    ["a.flac", "", bytes("fLaC"), "audio", "audio/flac"],
    ["a.pdf", "", bytes("%PDF-1.7"), "pdf", "application/pdf"],
    ["a", "application/pdf", bytes(`${" ".repeat(1000)}%PDF-1.7`), "pdf", "application/pdf"],
  ])("%s of type %s", (name, type, first, kind, mime) => {
    expect(viewable(name, type, first)).toEqual({ kind, mime });
  });

  it.each([
    ["a.png", "image/png", utf8("<script>alert(1)</script>")],
    ["a.png", "image/png", SVG],
    ["a.mp4", "video/mp4", utf8("#EXTM3U\nhttp://elsewhere/")],
    ["a.mp3", "audio/mpegurl", utf8("#EXTM3U\nhttp://elsewhere/")],
    ["a.mp3", "", PNG],
    ["a.pdf", "application/pdf", PNG],
    ["a.bmp", "", utf8("BMW drivers")],
    ["a.heic", "image/heic", bytes("\0\0\0\x1cftypheic")],
    ["a.avi", "video/x-msvideo", bytes("RIFF\x10\0\0\0AVI ")],
    ["a.png", "", new Uint8Array()],
  ])("%s of type %s is for saving", (name, type, first) => {
    expect(viewable(name, type, first)).toBeNull();
  });

  it("an image that is a script too is shown as the image that it says it is", () => {
    expect(kindOf("a.gif", "image/gif", GIF)).toBe("image");
    expect(kindOf("a.js", "text/javascript", GIF)).toBe("source");
  });
});

describe("text", () => {
  it.each([
    ["notes.txt", "text/plain", bytes("\xff\0binary")],
    ["empty.txt", "", new Uint8Array()],
    ["data.json", "application/json", utf8("{}")],
    ["a.md", "", utf8("# Title")],
    ["script.ts", "video/mp2t", utf8("const a = 1;")],
    ["id_ed25519", "", utf8("-----BEGIN OPENSSH PRIVATE KEY-----\n")],
    [".env", "", utf8("KEY=1\n")],
    ["a.unknown", "application/octet-stream", utf8("plain words\x1b")],
  ])("%s of type %s", (name, type, first) => {
    expect(kindOf(name, type, first)).toBe("text");
  });

  it("what declares nothing and holds a control, or no UTF-8, is for saving", () => {
    expect(kindOf("a", "", bytes("PK\x03\x04"))).toBeNull();
    expect(kindOf("a", "", bytes("caf\xe9 ol\xe9"))).toBeNull();
    expect(kindOf("a", "", new Uint8Array())).toBeNull();
    expect(kindOf("a.zip", "application/zip", bytes("PK\x03\x04"))).toBeNull();
  });

  it("a character that the sniffed bytes end in the middle of isn't held against it", () => {
    expect(kindOf("a", "", utf8("né").subarray(0, 2))).toBe("text");
  });
});
