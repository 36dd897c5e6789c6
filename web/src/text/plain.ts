/** A sender's words as they may stand in the page. Pure. */

// Controls, and what turns the direction of writing: a sender could make a text read as another.
// Joiners stay, for they make the letters and signs of many languages what they are.
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with what is unseen made seen, as `\u202e`; line ends and tabs stay. */
export function plain(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(UNSEEN, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
