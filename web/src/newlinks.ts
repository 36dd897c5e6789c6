/** The links of a share before the server has them: drawn, with keys, each with its manifest. */

import type { ShareReport } from "./answers";
import type { Random } from "./crypto";
import type { Keys } from "./envelope/keys";
import { hashed } from "./envelope/keys";
import type { Manifest } from "./envelope/manifest";
import { sealManifest } from "./envelope/manifest";
import { Refused } from "./errors";
import type { Link, Place } from "./link";
import { KDF, drawLink, idText, linkUrl } from "./link";
import type { Terms } from "./parcel";
import type { NewLink } from "./transport";
import type { World } from "./world";

/** A link on this side. */
export interface DrawnLink {
  link: Link;
  keys: Keys;
  /** For whom it is; that stays in this browser. */
  name: string;
}

/** One link of a share, as it is handed out. */
export interface SentLink {
  /** The whole link; it holds the secret. */
  url: string;
  id: string;
  /** As the sender calls it. */
  name: string;
  opensAt: Date;
  expiresAt: Date;
}

/** How long a link waits and lives, and how often it opens; of the protocol's `Link`. */
export type Lasting = Pick<NewLink, "opens" | "delayS" | "ttlS">;

export async function drawLinks(
  { random, workers }: World,
  { server, pin }: Place,
  { password, links: count }: Terms,
  names: readonly string[],
  signal: AbortSignal,
): Promise<DrawnLink[]> {
  const kdf = password === null ? KDF.none : KDF.argon2id;
  const drawn = Array.from({ length: count }, () => drawLink(server, kdf, random, pin));
  const links = await Promise.all(drawn);
  // With a password each link takes a second and 64 MiB: two at once, not all.
  const half = password === null ? count : Math.ceil(count / 2);
  const halves = [links.slice(0, half), links.slice(half)].filter((some) => some.length > 0);
  const derived = halves.map((some) =>
    workers.run<"derive">({ kind: "derive", links: some, password }, signal),
  );
  const keys = (await Promise.all(derived)).flat();
  return keys.flatMap((its, at) => {
    const link = links[at];
    return link ? [{ link, keys: its, name: names[at] ?? "" }] : [];
  });
}

/** One manifest for each link, sealed once under each `(id, S)`. */
export function sealLinks(
  drawn: readonly DrawnLink[],
  manifest: Manifest,
  lasting: Lasting,
  random: Random,
): Promise<NewLink[]> {
  return Promise.all(
    drawn.map(async ({ link, keys }) => ({
      id: idText(link),
      accessHash: await hashed(keys.access),
      unlockHash: await hashed(keys.unlock),
      manifest: await sealManifest(manifest, keys.manifest, link.id, random),
      ...lasting,
    })),
  );
}

/** A link as it is handed out, once the server has it. */
export async function sentLink({ link, name }: DrawnLink, report: ShareReport): Promise<SentLink> {
  const id = idText(link);
  const its = report.links.find((candidate) => candidate.id === id);
  if (!its) throw new Refused("links"); // the server hasn't taken every link
  return { url: await linkUrl(link), id, name, opensAt: its.opensAt, expiresAt: its.expiresAt };
}
