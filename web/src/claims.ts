/** What looking at a link and claiming it give, checked before anything is fetched. Pure. */

import type { Claim, LinkView } from "./answers";
import type { Bytes } from "./bytes";
import { Geometry, checkDigests } from "./envelope/content";
import type { Keys } from "./envelope/keys";
import type { Manifest } from "./envelope/manifest";
import { openManifest } from "./envelope/manifest";
import { IntegrityError, Locked, NotYet, Over } from "./errors";
import type { RemoteContent } from "./jobs";
import type { Link } from "./link";
import { idText } from "./link";
import { isEnding, nonsense } from "./problems";

/** Throw what stands against opening a link in this state; return where nothing does. */
export function checkOpenable({ state, since, opensAt }: LinkView): void {
  if (state === "ready") return;
  if (state === "scheduled") throw new NotYet(opensAt);
  if (state === "locked") throw new Locked("too many wrong passwords");
  if (isEnding(state)) throw new Over(state, since);
  throw nonsense("a state of a link that isn't one");
}

/**
 * Open the manifest and check everything else that a claim hands out.
 *
 * @param lease T.
 * @returns the manifest, and what to fetch; null where it stands in the manifest.
 * @throws IntegrityError not what the link's sender sealed.
 */
export async function readClaim(
  claim: Claim,
  keys: Keys,
  link: Link,
  lease: Bytes,
): Promise<{ manifest: Manifest; content: RemoteContent | null }> {
  const manifest = await openManifest(claim.manifest, keys.manifest, link.id);
  const { blob } = manifest;
  const { digests } = claim;
  if (!blob) {
    if (claim.bytes > 0 || digests.length > 0) {
      throw new IntegrityError("the server has content for a link that needs none");
    }
    return { manifest, content: null };
  }
  const geometry = Geometry.ofLength(blob.length);
  if (claim.bytes !== geometry.ciphertext) {
    throw new IntegrityError("the content is not as long as the sender's");
  }
  await checkDigests(geometry, digests, blob.root);
  const { server } = link;
  return { manifest, content: { server, linkId: idText(link), lease, digests, ...blob } };
}
