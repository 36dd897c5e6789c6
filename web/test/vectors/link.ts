/** `link.json`: links read, written and drawn (protocol section 2). */

import { drawLink, type Kdf, linkUrl, parseLink } from "../../src/link";
import { fromHex, toHex } from "./bytes";
import { ended, same } from "./expect";
import { operation } from "./operation";

interface Parse {
  text: string;
  result: string;
  server: string;
  id: string;
  secret: string;
  kdf: number;
  pin: string | null;
}

interface Draw {
  server: string;
  kdf: Kdf;
  pin: string | null;
  draws: string[];
  text: string;
}

const parse = operation<Parse>(async (vector) => {
  const { result, value: link } = await ended(() => parseLink(vector.text));
  same("result", result, vector.result);
  if (!link) return;
  same("server", link.server, vector.server);
  same("id", toHex(link.id), vector.id);
  same("secret", toHex(link.secret), vector.secret);
  same("kdf", link.kdf, vector.kdf);
  same("pin", link.pin && toHex(link.pin), vector.pin);
  same("text", await linkUrl(link), vector.text);
});

const draw = operation<Draw>(async (vector) => {
  const draws = vector.draws.map(fromHex);
  const random = (length: number) => {
    const drawn = draws.shift();
    if (drawn?.length !== length) throw new Error(`no draw of ${length} bytes is due`);
    return drawn;
  };
  const pin = vector.pin === null ? null : fromHex(vector.pin);
  const link = await drawLink(vector.server, vector.kdf, random, pin);
  same("text", await linkUrl(link), vector.text);
  same("draws left", draws.length, 0);
});

export const link = { parse, draw };
