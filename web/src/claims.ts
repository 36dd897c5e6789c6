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

/** Twice what a lease lasts at most; until a claim is answered nobody knows. */
export const LONGEST_LEASE_MS = 2 * 24 * 3600 * 1000;

/** A link that should be open and isn't is asked for no more often than that. */
const LEAST_WAIT_MS = 2000;

/** Throw what stands against opening a link in this state; return where nothing does. */
export function checkOpenable({ state, since, opensAt, now }: LinkView): void {
  if (state === "ready") return;
  if (state === "scheduled") throw new NotYet(opensAt, opensAt.getTime() - now.getTime());
  if (state === "locked") throw new Locked("too many wrong passwords");
  if (isEnding(state)) throw new Over(state, since);
  throw nonsense("a state of a link that isn't one");
}

/**
 * When to look at a scheduled link again, by this device's clock, which may be wrong by hours: then
 * waiting for the server's instant would ask without a pause, or far too late.
 */
export function nextLook({ opensAt, waitMs }: NotYet, now: Date): Date {
  const wait = waitMs ?? opensAt.getTime() - now.getTime();
  return new Date(now.getTime() + Math.max(wait, LEAST_WAIT_MS));
}

/**
 * How long a lease still lasts, and with it what lies on the device: no server makes that years.
 *
 * @throws Unreachable it is over already, which no claim is answered with.
 */
export function leaseMs({ leaseUntil, now }: Pick<Claim, "leaseUntil" | "now">): number {
  const ms = leaseUntil.getTime() - now.getTime();
  if (ms <= 0) throw nonsense("a lease that is over");
  return Math.min(ms, LONGEST_LEASE_MS);
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
