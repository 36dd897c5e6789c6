/** `keys.json` and `receipt.json` (protocol sections 3 and 8). */

import { deriveAccess, deriveKeys, type Outcome, receiptIsValid } from "../../src/envelope/keys";
import type { Kdf } from "../../src/link";
import { fromHex, toHex } from "./bytes";
import { ended, same } from "./expect";
import { operation } from "./operation";

interface Derive {
  id: string;
  secret: string;
  kdf: Kdf;
  password: string | null;
  result: string;
  access: string;
  unlock: string;
  manifest: string;
  ack: string;
}

interface Check {
  ack: string;
  id: string;
  lease_hash: string;
  outcome: Outcome;
  mac: string;
  valid: boolean;
}

/** Slow, where Argon2id is part of it. */
const derive = operation<Derive>(async (vector) => {
  const [id, secret] = [fromHex(vector.id), fromHex(vector.secret)];
  const call = () => deriveKeys(id, secret, vector.kdf, vector.password);
  const { result, value: derived } = await ended(call);
  same("result", result, vector.result);
  if (!derived) return;
  for (const name of ["access", "unlock", "manifest", "ack"] as const) {
    same(name, toHex(derived[name]), vector[name]);
  }
  same("access alone", toHex(await deriveAccess(id, secret)), vector.access);
});

const check = operation<Check>(async (vector) => {
  const [ack, id, lease] = [fromHex(vector.ack), fromHex(vector.id), fromHex(vector.lease_hash)];
  const valid = await receiptIsValid(ack, id, lease, vector.outcome, fromHex(vector.mac));
  same("valid", valid, vector.valid);
});

export const keys = { derive };
export const receipt = { check };
