/** pdf.js's worker as the text of a classic script, made by `vite.viewer.config.ts`. */
declare module "virtual:pdf-worker" {
  const source: string;
  export default source;
}
