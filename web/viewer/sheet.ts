/** The viewer's looks, as a constructed sheet: its policy allows no other. Light and dark. */

const CSS = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fffdf9, #1c1f25);
  --ink: light-dark(#1e2026, #eceae4);
  --soft: light-dark(#5a5c63, #a9abb2);
  --line: light-dark(#dcd7cb, #343841);
  --edge: light-dark(#8b8677, #757a86);
  --accent: light-dark(#0d5f56, #6cd0bf);
  --tint: light-dark(#e3efec, #1d302e);
  --backdrop: light-dark(#e9e5db, #101216);
  font: 1rem/1.5 system-ui, sans-serif;
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; background: var(--paper); color: var(--ink); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
button {
  font: inherit; color: inherit; cursor: pointer;
  min-width: 2.5rem; height: 2.5rem; padding: 0 0.75rem;
  border: 1px solid var(--edge); border-radius: 0.625rem; background: var(--paper);
}
button:has(svg) { padding: 0; border-color: transparent; background: none; }
button:hover { border-color: var(--accent); background: var(--tint); }
svg {
  width: 1.25rem; height: 1.25rem; display: block; margin: auto;
  fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round;
}
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: pre-wrap; }

.text, .source { overflow: auto; }
.text section, .source section { padding: 1rem; min-width: 0; }
.note { margin: 0 0 1rem; padding: 0.5rem 0.75rem; border-inline-start: 3px solid var(--accent); background: var(--tint); font-size: 0.9375rem; }
pre {
  margin: 0; font: 0.9375rem/1.55 ui-monospace, "SFMono-Regular", Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; unicode-bidi: plaintext;
}
/* Far from the eye nothing is laid out. A run of a long line is laid out alone, yet no line end is copied. */
pre:not(:only-of-type), pre span { content-visibility: auto; contain-intrinsic-size: auto 40rem; }
pre span { display: inline-block; width: 100%; vertical-align: top; }

.image { display: grid; grid-template-rows: minmax(0, 1fr); background: var(--backdrop); }
.image section { display: grid; grid-template: minmax(0, 1fr) / minmax(0, 1fr); place-items: center; overflow: auto; min-height: 0; }
.image img {
  max-width: 100%; max-height: 100%; object-fit: contain;
  background: repeating-conic-gradient(light-dark(#fff, #3a3d41) 0 25%, light-dark(#f0efec, #2f3236) 0 50%) 0 0 / 20px 20px;
}
.image .tools { display: none; justify-content: center; padding: 0.5rem; background: var(--paper); border-top: 1px solid var(--line); }
.image.scaled { grid-template-rows: minmax(0, 1fr) auto; }
.image.scaled .tools { display: flex; }
.image.scaled img { cursor: zoom-in; }
.image.actual section { grid-template: auto / auto; place-items: safe center; }
.image.actual img { max-width: none; max-height: none; cursor: zoom-out; }

.audio, .video { display: grid; grid-template: minmax(0, 1fr) / minmax(0, 1fr); place-items: center; background: var(--backdrop); }
audio { width: 100%; padding: 0.5rem; max-width: 40rem; }
video { max-width: 100%; max-height: 100%; background: #000; }

.pdf { display: grid; grid-template: auto minmax(0, 1fr) / minmax(0, 1fr); }
.pdf .tools {
  display: flex; align-items: center; justify-content: center; gap: 0.125rem; padding: 0.25rem;
  background: var(--paper); border-bottom: 1px solid var(--line);
}
.pdf output { padding: 0 0.25rem; flex: 0 1 9rem; min-width: 4.5rem; line-height: 1.2; text-align: center; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.pdf section { overflow: auto; background: var(--backdrop); position: relative; padding: 8px; display: flex; flex-direction: column; gap: 8px; align-items: safe center; }
.page {
  flex: none; position: relative; overflow: hidden; background: #fff; color: #1c1e21; box-shadow: 0 1px 3px rgb(0 0 0 / 0.3);
  width: calc(var(--width) * var(--scale) * 1px); height: calc(var(--height) * var(--scale) * 1px);
}
.page canvas { display: block; width: 100%; height: 100%; }
.page:empty::before {
  content: ""; position: absolute; inset: 0; margin: auto; width: 2rem; height: 2rem;
  border: 3px solid #dcd7cb; border-block-start-color: #0d5f56; border-radius: 50%;
  animation: turn 1s linear infinite;
}
@keyframes turn { to { rotate: 1turn; } }
@media (prefers-reduced-motion: reduce) { .page:empty::before { animation: none; } }
.page > p:not(.unseen) { padding: 2rem; text-align: center; }
`;

export function adopt(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  document.adoptedStyleSheets = [sheet];
}
