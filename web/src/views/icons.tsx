/** Drawn signs. Each stands beside words, so none has a name of its own. */

import type { Sign } from "../text/told";

const common = {
  width: 20,
  height: 20,
  viewBox: "0 0 20 20",
  fill: "none",
  stroke: "currentColor",
  "stroke-width": 1.6,
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
  "aria-hidden": true,
} as const;

/** An eye that is about to close. */
export function Mark() {
  return (
    <svg {...common} width={26} height={26} viewBox="0 0 26 26" class="mark">
      <path d="M3 13c2.6-4.4 6-6.6 10-6.6S20.4 8.6 23 13c-2.6 4.4-6 6.6-10 6.6S5.6 17.4 3 13Z" />
      <circle cx="13" cy="13" r="3.2" fill="currentColor" stroke="none" />
    </svg>
  );
}

export function DropSign() {
  return (
    <svg {...common} width={32} height={32} viewBox="0 0 32 32">
      <path d="M16 21V6m0 0-5.5 5.5M16 6l5.5 5.5M5 21v3.5A2.5 2.5 0 0 0 7.5 27h17a2.5 2.5 0 0 0 2.5-2.5V21" />
    </svg>
  );
}

export function CloseSign() {
  return (
    <svg {...common}>
      <path d="m5.5 5.5 9 9m0-9-9 9" />
    </svg>
  );
}

export function FileSign() {
  return (
    <svg {...common}>
      <path d="M11.5 2.5h-6v15h9v-12l-3-3Zm0 0v3h3" />
    </svg>
  );
}

export function CheckSign() {
  return (
    <svg {...common}>
      <path d="m4.5 10.5 3.8 3.8 7.2-8.3" />
    </svg>
  );
}

export function EyeSign({ isOpen }: { isOpen: boolean }) {
  return (
    <svg {...common}>
      <path d="M2.5 10C4.5 6.7 7 5 10 5s5.5 1.7 7.5 5c-2 3.3-4.5 5-7.5 5s-5.5-1.7-7.5-5Z" />
      <circle cx="10" cy="10" r="2" />
      {isOpen ? null : <path d="m4 16 12-12" />}
    </svg>
  );
}

const ENDS: Readonly<Record<Sign, string>> = {
  closed: `M3.5 10c2 2.9 4.2 4.3 8.5 4.3s6.5-1.4 8.5-4.3
    M6 13l-1.8 2.4M10.3 14.2l-.6 3M13.7 14.2l.6 3M18 13l1.8 2.4`,
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 3.6V12l2.8 2.2",
  lock: `M7 10.5h10a1.5 1.5 0 0 1 1.5 1.5v6A1.5 1.5 0 0 1 17 19.5H7A1.5 1.5 0 0 1 5.5 18v-6
    A1.5 1.5 0 0 1 7 10.5ZM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5`,
  alert: "M12 4.2 3.6 18.8h16.8L12 4.2Zm0 5.3v4.2m0 2.6v.1",
  done: "m5.5 12.6 4.2 4.2 8.8-9.6",
};

/** The sign of an end, in a disc. */
export function EndSign({ sign }: { sign: Sign }) {
  return (
    <div class={`sign ${sign}`}>
      <svg {...common} width={28} height={28} viewBox="0 0 24 24">
        <path d={ENDS[sign]} />
      </svg>
    </div>
  );
}
