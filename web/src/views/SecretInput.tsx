/** A field for a password, and a button in it that shows what is typed. */

import { useState } from "preact/hooks";

import type { Described } from "./Field";
import { typed } from "./Field";
import { useSurroundings } from "./context";
import { EyeSign } from "./icons";

export interface SecretInputProps {
  described: Described;
  value: string;
  /** Shown from the start: nobody has typed it. */
  isSuggested?: boolean;
  onChange: (value: string) => void;
}

export function SecretInput({ described, value, isSuggested, onChange }: SecretInputProps) {
  const { text } = useSurroundings();
  const [isShown, setShown] = useState(isSuggested ?? false);
  return (
    <span class="secret">
      <input
        {...described}
        {...(isShown ? { type: "text", class: "code" } : { type: "password" })}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        value={value}
        onInput={(event) => onChange(typed(event))}
      />
      <button
        type="button"
        class="icon"
        aria-pressed={isShown}
        aria-label={text.password.show}
        onClick={() => setShown(!isShown)}
      >
        <EyeSign isOpen={isShown} />
      </button>
    </span>
  );
}
