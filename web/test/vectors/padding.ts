/** `padding.json` (protocol sections 5 and 6). */

import { bucket as bucketOf, padme as padmeOf } from "../../src/envelope/padding";
import { ended, same } from "./expect";
import { operation } from "./operation";

const padme = operation<{ length: number; padded: number }>(async (vector) => {
  same("padded", padmeOf(vector.length), vector.padded);
});

const bucket = operation<{ length: number; bucket: number | null }>(async (vector) => {
  const { result, value } = await ended(() => bucketOf(vector.length));
  same("result", result, vector.bucket === null ? "usage" : "ok");
  same("bucket", value, vector.bucket);
});

export const padding = { padme, bucket };
