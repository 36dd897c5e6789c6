/** What the build puts in (`parts.ts`, `pdfjs.ts`). */

declare module "virtual:part/*" {
  const part: {
    url: string;
    /** `sha384-…`, which the policy names too. */
    integrity: string;
    /** The global variable that holds what the part exports, once it has run. */
    global: string;
  };
  export default part;
}

/** pdf.js's worker, as the text of a classic script. */
declare module "virtual:pdf-worker" {
  const source: string;
  export default source;
}

/** A file of a dependency as a `data:` URL, in the script that imports it. */
declare module "*.pfb?url&inline" {
  const dataUrl: string;
  export default dataUrl;
}
