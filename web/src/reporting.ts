/** What became of what was sent: the server's report, its receipts checked (protocol section 8). */

import type { LinkReport, OpeningReport, ShareReport } from "./answers";
import { b64decode, b64encode } from "./b64";
import type { Bytes } from "./bytes";
import { OUTCOME, receiptIsValid } from "./envelope/keys";
import type { SentLinkRecord, ShareRecord } from "./state";

/** The state of a share whose last link is over. */
export const GONE = "gone";

/** States of a link that can still be opened, or is being opened. */
const OPEN = new Set(["ready", "scheduled", "locked", "taken"]);

/**
 * `verified` where only the reader can have made it, `invalid` where someone else did, `none` where
 * there is none.
 */
export type Receipt = "verified" | "invalid" | "none";

export interface OpeningStatus {
  claimedAt: Date;
  endedAt: Date | null;
  /** leased, opened, rejected, lapsed or revoked, as the server says. */
  outcome: string;
  receipt: Receipt;
  /** Of the reader, as far as the server keeps it. */
  address: string | null;
}

export interface LinkStatus {
  id: string;
  /** As the sender calls it. */
  name: string;
  state: string;
  opensLeft: number;
  opensAt: Date;
  expiresAt: Date;
  guesses: number;
  openings: OpeningStatus[];
}

/** A share: uploading, sealed or gone, and its links. */
export interface ShareStatus {
  share: string;
  state: string;
  links: LinkStatus[];
}

/** Whether there is anything left of a link that its sender can end. */
export function isRevocable({ state, openings }: LinkStatus): boolean {
  return OPEN.has(state) || openings.some(({ outcome }) => outcome === "leased");
}

/** The server's report of a share, with every receipt checked against the keys kept of it. */
export async function judged(report: ShareReport, record: ShareRecord): Promise<ShareStatus> {
  const known = new Map(record.links.map((link) => [link.id, link]));
  const links = report.links.map((link) => linkStatus(link, known.get(link.id)));
  return { share: record.id, state: report.state, links: await Promise.all(links) };
}

async function linkStatus(report: LinkReport, known?: SentLinkRecord): Promise<LinkStatus> {
  const { id, state, opensLeft, opensAt, expiresAt, guesses } = report;
  const leases = report.openings.map(({ leaseHash }) => b64encode(leaseHash));
  const openings = report.openings.map(async (opening, at): Promise<OpeningStatus> => {
    const { claimedAt, endedAt, outcome, address } = opening;
    const isNew = leases.indexOf(b64encode(opening.leaseHash)) === at;
    const receipt = await receiptOf(opening, id, known?.ack, isNew);
    return { claimedAt, endedAt, outcome, receipt, address };
  });
  const name = known?.name ?? "";
  const all = await Promise.all(openings);
  return { id, name, state, opensLeft, opensAt, expiresAt, guesses, openings: all };
}

/** A receipt stands for one opening of one link; shown a second time it proves nothing. */
async function receiptOf(
  opening: OpeningReport,
  linkId: string,
  ack: Bytes | undefined,
  isNew: boolean,
): Promise<Receipt> {
  if (!opening.mac) return "none";
  const outcome = isSigned(opening.outcome) ? OUTCOME[opening.outcome] : null;
  const id = b64decode(linkId);
  if (!outcome || !ack || !id || !isNew) return "invalid";
  const isValid = await receiptIsValid(ack, id, opening.leaseHash, outcome, opening.mac);
  return isValid ? "verified" : "invalid";
}

function isSigned(outcome: string): outcome is keyof typeof OUTCOME {
  return Object.hasOwn(OUTCOME, outcome);
}
