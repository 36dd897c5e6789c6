/** `manifest.json` (protocol section 5). */

import { b64decode, b64encode } from "../../src/b64";
import type { Bytes } from "../../src/bytes";
import { decode as decodeIt, encode, type Manifest } from "../../src/envelope/manifest";
import { openManifest, sealManifest } from "../../src/envelope/manifest";
import { drawnFrom, fromHex, joined, type Piece, toHex } from "./bytes";
import { ended, same } from "./expect";
import { casesOf, operation, type VectorFile } from "./operation";

interface Decode {
  plaintext: Piece[];
  result: string;
  manifest: unknown;
  encodes: boolean;
}

interface Seal {
  name: string;
  key: string;
  id: string;
  iv: string;
  nonce: string;
  plaintext: Piece[];
  sealed: string;
}

interface Open {
  key: string;
  id: string;
  sealed: Piece[];
  result: string;
}

const decode = operation<Decode>(async (vector) => {
  const plaintext = joined(vector.plaintext, new Map());
  const { result, value: manifest } = await ended(() => decodeIt(plaintext));
  same("result", result, vector.result);
  if (!manifest) return;
  same("manifest", seen(manifest), vector.manifest);
  same("encodes", toHex(encode(manifest)) === toHex(plaintext), vector.encodes);
});

const seal = operation<Seal>(async (vector) => {
  const [key, id] = [fromHex(vector.key), fromHex(vector.id)];
  const manifest = decodeIt(joined(vector.plaintext, new Map()));
  const random = drawnFrom(fromHex(vector.iv + vector.nonce));
  const sealed = await sealManifest(manifest, key, id, random);
  same("sealed", b64encode(sealed), vector.sealed);
  same("opened", seen(await openManifest(sealed, key, id)), seen(manifest));
});

const open = operation<Open>(async (vector, file) => {
  const sealed = joined(vector.sealed, sealedBases(file));
  const call = () => openManifest(sealed, fromHex(vector.key), fromHex(vector.id));
  same("result", (await ended(call)).result, vector.result);
});

function sealedBases(file: VectorFile): Map<string, Bytes> {
  const bases = casesOf<Seal>(file, "seal");
  return new Map(bases.map((base) => [base.name, b64decode(base.sealed) ?? new Uint8Array()]));
}

/** A manifest as the vectors show it. */
function seen({ note, view, files, blob, inline }: Manifest): unknown {
  return {
    note,
    view,
    files: files.map((entry) => [entry.name, entry.size, entry.type]),
    blob: blob && {
      k: toHex(blob.key),
      h: toHex(blob.header),
      l: blob.length,
      r: toHex(blob.root),
    },
    inline: toHex(inline),
  };
}

export const manifest = { decode, seal, open };
