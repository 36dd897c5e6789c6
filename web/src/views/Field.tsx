/** One field of a form: a label, the control, a hint below, and what is wrong with it. */

import type { ComponentChildren, TargetedInputEvent } from "preact";

export interface FieldProps {
  id: string;
  label: string;
  hint?: string | undefined;
  problem?: string | undefined;
  wide?: boolean;
  children: (given: Described) => ComponentChildren;
}

/** What ties a control to its label, hint and problem. */
export interface Described {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

export function Field({ id, label, hint, problem, wide = false, children }: FieldProps) {
  const told = problem ?? hint;
  const described: Described = {
    id,
    ...(told ? { "aria-describedby": `${id}-told` } : {}),
    ...(problem ? { "aria-invalid": true as const } : {}),
  };
  return (
    <div class={wide ? "field wide" : "field"}>
      <label for={id}>{label}</label>
      {children(described)}
      {told ? (
        <p id={`${id}-told`} class={problem ? "hint wrong" : "hint"}>
          {told}
        </p>
      ) : null}
    </div>
  );
}

/** The text that an event's input now holds. */
export function typed(event: TargetedInputEvent<HTMLInputElement | HTMLTextAreaElement>): string {
  return event.currentTarget.value;
}
