/** What every view may use, given once by `main.tsx`. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { Client } from "../client";
import type { Random } from "../crypto/primitives";
import type { Words } from "../text/en";

export interface Surroundings {
  client: Client;
  text: Words;
  now: () => Date;
  random: Random;
}

export const SurroundingsContext = createContext<Surroundings | null>(null);

export function useSurroundings(): Surroundings {
  const given = useContext(SurroundingsContext);
  if (!given) throw new Error("a view outside of its surroundings");
  return given;
}
