import type { ViewerFailure } from "../src/viewer-messages";
import { isViewerFailure } from "../src/viewer-messages";

/** The file can't be shown, for a reason that the page has a sentence for. */
export class Failure extends Error {
  readonly code: ViewerFailure;

  constructor(code: ViewerFailure) {
    super(code);
    this.code = code;
  }
}

/** Why, of anything thrown. A part has a class `Failure` of its own, so its code is what counts. */
export function reasonOf(error: unknown): ViewerFailure {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return isViewerFailure(code) ? code : "broken";
}
