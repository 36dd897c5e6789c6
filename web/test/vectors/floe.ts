/** `floe.json`: whole messages, their lengths as parameters (protocol section 4). */

import { type Bytes, concat } from "../../src/bytes";
import { Floe, FloeParams, NONCE_BYTES, SEGMENT_OVERHEAD } from "../../src/envelope/floe";
import { fromHex, stream, toHex } from "./bytes";
import { ended, same } from "./expect";
import { operation } from "./operation";

interface Message {
  key: string;
  iv: string;
  aad: string;
  segment_bytes: number;
  rotation_bits: number;
  nonces: string;
  plaintext: string;
  header: string;
  segments: string[];
  result: string;
}

const seal = operation<Message>(async (vector) => {
  const floe = await Floe.create(
    fromHex(vector.key),
    fromHex(vector.iv),
    fromHex(vector.aad),
    paramsOf(vector),
  );
  same("header", toHex(floe.header), vector.header);
  same("segments", await sealed(floe, vector), vector.segments);
  same("plaintext", toHex(await opened(vector)), vector.plaintext);
});

const open = operation<Message>(async (vector) => {
  const { result } = await ended(() => opened(vector));
  same("result", result, vector.result);
});

async function sealed(floe: Floe, vector: Message): Promise<string[]> {
  const plain = fromHex(vector.plaintext);
  const step = paramsOf(vector).segmentPlain;
  const count = vector.segments.length;
  const nonces = stream(vector.nonces, NONCE_BYTES * count);
  return inTurn(vector.segments, async (_, at) => {
    const piece = plain.subarray(at * step, (at + 1) * step);
    const out = new Uint8Array(piece.length + SEGMENT_OVERHEAD);
    const nonce = nonces.subarray(NONCE_BYTES * at, NONCE_BYTES * (at + 1));
    await floe.sealInto(out, at, piece, nonce, at === count - 1);
    return toHex(out);
  });
}

/** Open header and segments in turn. */
async function opened(vector: Message): Promise<Bytes> {
  const [key, header, aad] = [fromHex(vector.key), fromHex(vector.header), fromHex(vector.aad)];
  const floe = await Floe.opened(key, header, aad, paramsOf(vector));
  const pieces = await inTurn(vector.segments, async (text, at) => {
    const segment = fromHex(text);
    const out = new Uint8Array(Math.max(segment.length - SEGMENT_OVERHEAD, 0));
    await floe.openInto(out, at, segment, at === vector.segments.length - 1);
    return out;
  });
  return concat(...pieces);
}

function paramsOf(vector: Message): FloeParams {
  return new FloeParams(vector.segment_bytes, vector.rotation_bits);
}

async function inTurn<A, B>(
  items: readonly A[],
  step: (item: A, at: number) => Promise<B>,
): Promise<B[]> {
  const done: B[] = [];
  for (const [at, item] of items.entries()) done.push(await step(item, at));
  return done;
}

export const floe = { seal, open };
