/** Building the viewer's document: elements and named buttons. No text is ever markup. */

type Given<T> = Partial<Omit<T, "style" | "children">>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Given<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), given);
  made.append(...children);
  return made;
}

/** Paths on a grid of 20 by 20, stroked. */
const ICONS = {
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  width: "M2 4v12M18 4v12M5 10h10M7.5 7.5 5 10l2.5 2.5M12.5 7.5 15 10l-2.5 2.5",
  up: "m4 13 6-6 6 6",
  down: "m4 7 6 6 6-6",
} as const;

export function iconButton(icon: keyof typeof ICONS, label: string, act: () => void): HTMLElement {
  const button = element("button", { type: "button", title: label, onclick: act }, drawing(icon));
  button.setAttribute("aria-label", label);
  return button;
}

function drawing(icon: keyof typeof ICONS): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[icon]);
  svg.append(path);
  return svg;
}
