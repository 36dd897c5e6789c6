/** A password for a share: typed, or suggested and shown. */

import { useState } from "preact/hooks";

import { suggestPassword } from "../../choices";
import { Field } from "../Field";
import { SecretInput } from "../SecretInput";
import { useSurroundings } from "../context";

export function PasswordChoice(props: {
  password: string;
  onChange: (password: string) => void;
}) {
  const { text, random } = useSurroundings();
  const { password, onChange } = props;
  const [suggested, setSuggested] = useState<string | null>(null);
  const isSuggested = password !== "" && password === suggested;
  const suggest = (): void => {
    const drawn = suggestPassword(random);
    setSuggested(drawn);
    onChange(drawn);
  };
  return (
    <Field
      id="password"
      wide
      label={text.send.password}
      hint={isSuggested ? text.send.suggested : text.send.passwordHint}
    >
      {(described) => (
        <div class="joined">
          <SecretInput
            key={suggested}
            {...{ described, isSuggested, onChange }}
            value={password}
          />
          <button type="button" class="button quiet" onClick={suggest}>
            {text.send.suggest}
          </button>
        </div>
      )}
    </Field>
  );
}
