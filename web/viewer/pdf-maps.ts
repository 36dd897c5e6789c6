/** From codes of Chinese, Japanese and Korean PDFs to characters; loaded for those alone. */

export const MAPS: Readonly<Record<string, string>> = import.meta.glob<string>(
  "../node_modules/pdfjs-dist/cmaps/*.bcmap",
  { query: "?url&inline", import: "default", eager: true },
);
