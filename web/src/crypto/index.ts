/** The primitives of this page; the one place that chooses among implementations. */

import { argon2id } from "./argon2";
import type { Primitives } from "./primitives";
import { webCrypto } from "./webcrypto";

export type { Aead, Primitives, Random } from "./primitives";
export { hasWebCrypto } from "./webcrypto";

export const primitives: Primitives = { ...webCrypto, argon2id };
