/**
 * Which pages of a document are drawn, and when: one at a time, the nearest to the eye first, and
 * only those that are near; a page that goes away is released. No DOM, so that it can be tested.
 */

/** What drawing a page gives. */
export interface Releasable {
  release(): void;
}

export interface EaselWork<Drawn extends Releasable> {
  /** Rejects where the page can't be drawn, or where `signal` aborts. */
  draw(page: number, scale: number, signal: AbortSignal): Promise<Drawn>;
  /** The page is drawn: show it in place of what was there. */
  show(page: number, drawn: Drawn): void;
  /** The page can't be drawn. */
  fail(page: number): void;
  /** The page has gone away: show nothing. */
  clear(page: number): void;
}

interface Held<Drawn> {
  scale: number;
  /** null: it can't be drawn. */
  drawn: Drawn | null;
}

export class Easel<Drawn extends Releasable> {
  readonly #work: EaselWork<Drawn>;
  readonly #near = new Set<number>();
  readonly #held = new Map<number, Held<Drawn>>();
  #scale = 1;
  #current = 1;
  #drawing: { page: number; stop: AbortController } | null = null;

  constructor(work: EaselWork<Drawn>) {
    this.#work = work;
  }

  /** A page comes near. */
  come(page: number): void {
    this.#near.add(page);
    this.#drawNext();
  }

  /** A page goes away. */
  go(page: number): void {
    this.#near.delete(page);
    if (this.#drawing?.page === page) this.#drawing.stop.abort();
    this.#held.get(page)?.drawn?.release();
    if (this.#held.delete(page)) this.#work.clear(page);
  }

  /** The page that is looked at; it and its neighbours are drawn first. */
  look(page: number): void {
    this.#current = page;
  }

  /** Everything near is drawn anew; what is there stays until then. */
  rescale(scale: number): void {
    if (scale === this.#scale) return;
    this.#scale = scale;
    this.#drawing?.stop.abort();
    this.#drawNext();
  }

  #drawNext(): void {
    const page = this.#drawing === null ? this.#mostWanted() : null;
    if (page === null) return;
    const stop = new AbortController();
    this.#drawing = { page, stop };
    void this.#draw(page, this.#scale, stop.signal).finally(() => {
      this.#drawing = null;
      this.#drawNext();
    });
  }

  async #draw(page: number, scale: number, signal: AbortSignal): Promise<void> {
    try {
      const drawn = await this.#work.draw(page, scale, signal);
      if (signal.aborted) drawn.release();
      else this.#hold(page, { scale, drawn });
    } catch {
      if (!signal.aborted) this.#hold(page, { scale, drawn: null });
    }
  }

  #hold(page: number, held: Held<Drawn>): void {
    const before = this.#held.get(page)?.drawn;
    this.#held.set(page, held);
    if (held.drawn) this.#work.show(page, held.drawn);
    else this.#work.fail(page);
    before?.release();
  }

  #mostWanted(): number | null {
    const distance = (page: number): number => Math.abs(page - this.#current);
    const wanted = [...this.#near].filter((page) => this.#held.get(page)?.scale !== this.#scale);
    return wanted.toSorted((a, b) => distance(a) - distance(b))[0] ?? null;
  }
}
