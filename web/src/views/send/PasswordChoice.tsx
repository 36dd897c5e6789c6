/** A password for a share: typed, or suggested and shown. */

import { useState } from "preact/hooks";

import { suggestPassword } from "../../choices";
import { Field, typed } from "../Field";
import { useSurroundings } from "../context";
import { EyeSign } from "../icons";

export function PasswordChoice(props: {
  password: string;
  onChange: (password: string) => void;
}) {
  const { text, random } = useSurroundings();
  const [isShown, setShown] = useState(false);
  const [isSuggested, setSuggested] = useState(false);
  const suggest = (): void => {
    props.onChange(suggestPassword(random));
    setShown(true);
    setSuggested(true);
  };
  return (
    <Field
      id="password"
      wide
      label={text.send.password}
      hint={isSuggested && props.password ? text.send.suggested : text.send.passwordHint}
    >
      {(described) => (
        <div class="joined">
          <input
            {...described}
            {...(isShown ? { type: "text", class: "code" } : { type: "password" })}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            value={props.password}
            onInput={(event) => {
              setSuggested(false);
              props.onChange(typed(event));
            }}
          />
          <button
            type="button"
            class="icon"
            aria-pressed={isShown}
            aria-label={isShown ? text.send.hide : text.send.show}
            onClick={() => setShown(!isShown)}
          >
            <EyeSign isOpen={isShown} />
          </button>
          <button type="button" class="button quiet" onClick={suggest}>
            {text.send.suggest}
          </button>
        </div>
      )}
    </Field>
  );
}
