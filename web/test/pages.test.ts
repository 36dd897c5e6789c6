import { describe, expect, it } from "vitest";

import { Pacer } from "../src/pace";
import { placeOf, secureAddress, withoutFragment } from "../src/places";
import { qrOutline } from "../src/qr";
import { ago, bytes, clock, duration, moment } from "../src/text/format";
import { plain } from "../src/text/plain";

describe("an address", () => {
  const ID = "AAECAwQFBgcICQoL";

  it.each([
    [`https://h/`, { kind: "send", shared: null }],
    [`https://h/#x`, { kind: "send", shared: null }],
    [`https://h/#shared=a-1`, { kind: "send", shared: "a-1" }],
    [`https://h/#shared=`, { kind: "send", shared: "" }],
    [`https://h/#shared=%zz`, { kind: "send", shared: "" }],
    [`https://h/s/${ID}`, { kind: "no_key", id: ID }],
    [`https://h/s/${ID}#`, { kind: "no_key", id: ID }],
    [`https://h/s/${ID}#AQ`, { kind: "open", text: `https://h/s/${ID}#AQ` }],
    [`https://h/s/${ID}%23AQ`, { kind: "escaped" }],
    [`https://h/s/${ID}%2523AQ`, { kind: "escaped" }],
    [`https://h/s/${ID}%23AQ#AQ`, { kind: "escaped" }],
  ] as const)("%s", (address, place) => {
    expect(placeOf(address)).toEqual(place);
  });

  it.each([
    ["http://192.168.1.7:8000/s/a#b", "https://192.168.1.7:8443/s/a#b"],
    ["http://[fd00::1]:8000/", "https://[fd00::1]:8443/"],
    ["http://share.example/s/a#b", "https://share.example/s/a#b"],
  ])("over TLS: %s", (address, secure) => {
    expect(secureAddress(address)).toBe(secure);
  });

  it("loses its fragment, all of it", () => {
    expect(withoutFragment("https://h/s/x#a#b")).toBe("https://h/s/x");
  });
});

describe("the pace", () => {
  it("says a rate once it has seen enough, and what is left", () => {
    const pacer = new Pacer();
    expect(pacer.add(0, 1000, 0)).toEqual({ done: 0, total: 1000, rate: null, left: null });
    expect(pacer.add(500, 1000, 1000)).toEqual({ done: 500, total: 1000, rate: 500, left: 1 });
  });

  it("forgets what is long past, and survives a part that starts anew", () => {
    const pacer = new Pacer();
    pacer.add(0, 9000, 0);
    pacer.add(6000, 9000, 6000);
    expect(pacer.add(7000, 9000, 8000).rate).toBe(500);
    expect(pacer.add(6500, 9000, 8100).rate).toBe(500 / 2.1);
  });
});

describe("words for numbers", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [1234, "1.2 kB"],
    [999_600, "1 MB"],
    [20_300_000, "20 MB"],
    [4_294_967_296, "4.3 GB"],
  ])("%d bytes", (size, text) => {
    expect(bytes(size).replaceAll(" ", " ")).toBe(text);
  });

  it.each([
    [0, "0 seconds"],
    [1, "1 second"],
    [90, "1 minute 30 seconds"],
    [600, "10 minutes"],
    [3900, "1 hour 5 minutes"],
    [604_800, "7 days"],
  ])("%d seconds", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  const now = new Date(2026, 10, 24, 14, 30);

  it("say the day only where it is another", () => {
    expect(clock(new Date(2026, 10, 24, 14, 3), now)).toBe("14:03");
    expect(moment(new Date(2026, 10, 23, 14, 3), now)).toBe("on 23 Nov, 14:03");
    expect(moment(new Date(2025, 10, 23, 14, 3), now)).toBe("on 23 Nov 2025, 14:03");
    expect(ago(new Date(2026, 10, 24, 14, 25), now)).toBe("5 minutes ago");
  });
});

describe("a sender's words", () => {
  it("show what would turn them or hide", () => {
    expect(plain("invoice\u202efdp.exe\u0007")).toBe("invoice\\u202efdp.exe\\u0007");
  });

  it("keep line ends, tabs and what joins letters and signs", () => {
    expect(plain("a\r\nb\tc 👩‍👧")).toBe("a\nb\tc 👩‍👧");
  });
});

describe("a QR outline", () => {
  it("keeps four light modules on every side", () => {
    const { size, path } = qrOutline("https://example.org/s/AAECAwQFBgcICQoL#AQ");
    const starts = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].map((match) => match.map(Number));
    expect(Math.min(...starts.map(([, x]) => x ?? 0))).toBe(4);
    expect(Math.max(...starts.map(([, x, , run]) => (x ?? 0) + (run ?? 0)))).toBe(size - 4);
  });
});
