/**
 * What other programs share with the installed page, on its way from the browser to the composer.
 *
 * The browser posts it to `SHARE_PATH`. The share worker takes it out of that request before it
 * becomes one, holds it in memory, and sends the browser on to the page, which asks for it. Pure.
 */

/** In the manifest, too. No other request is ever in this worker's scope. */
export const SHARE_PATH = "/share";
export const SHARE_WORKER_URL = "/share-worker.js";

const FRAGMENT = "#shared=";

export interface Shared {
  files: File[];
  /** Texts and addresses, one a line. */
  text: string;
}

/** Where the page is that asks for what is held under an id; a fragment, so no server learns of it. */
export function addressOf(id: string): string {
  return `/${FRAGMENT}${encodeURIComponent(id)}`;
}

/** The id that an address's fragment asks for, or null; empty where the browser held nothing. */
export function sharedId(fragment: string): string | null {
  if (!fragment.startsWith(FRAGMENT)) return null;
  try {
    return decodeURIComponent(fragment.slice(FRAGMENT.length));
  } catch {
    return "";
  }
}

/** What a form of the manifest's names holds; any site can post one, so nothing is taken for granted. */
export function fromForm(form: FormData): Shared {
  const files = form.getAll("files").filter((value) => value instanceof File);
  const texts = [form.get("text"), form.get("url")];
  const lines = texts.filter((value) => typeof value === "string" && value !== "");
  return { files, text: [...new Set(lines)].join("\n") };
}

/** What came in a message, or null where it is nothing. */
export function readShared(value: unknown): Shared | null {
  if (typeof value !== "object" || value === null) return null;
  const { files, text } = value as Partial<Shared>;
  const fits =
    typeof text === "string" && Array.isArray(files) && files.every((file) => file instanceof File);
  return fits ? { files, text } : null;
}

/** Holds what was shared until it is taken, once, or its time is over. */
export class Shelf {
  readonly #held = new Map<string, { shared: Shared; release: () => void }>();

  /** Returns once it isn't held any more. */
  hold(id: string, shared: Shared, over: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const release = (): void => {
        this.#held.delete(id);
        resolve();
      };
      this.#held.set(id, { shared, release });
      void over.then(release);
    });
  }

  take(id: unknown): Shared | null {
    const held = typeof id === "string" ? this.#held.get(id) : undefined;
    held?.release();
    return held?.shared ?? null;
  }
}

/**
 * Returns once the page that was to come has come and gone, or after so many looks.
 *
 * @param pause between two looks.
 */
export async function left(
  isThere: () => Promise<boolean>,
  pause: () => Promise<void>,
  looks: number,
): Promise<void> {
  let hasCome = false;
  for (let looked = 0; looked < looks; looked += 1) {
    await pause();
    const isSeen = await isThere();
    if (hasCome && !isSeen) return;
    hasCome ||= isSeen;
  }
}
