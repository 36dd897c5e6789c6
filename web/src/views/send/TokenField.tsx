/** Permission to upload, where the server asks for it. */

import type { Info } from "../../answers";
import type { Words } from "../../text/en";
import { Field } from "../Field";
import { SecretInput } from "../SecretInput";
import { useSurroundings } from "../context";
import type { TermsProps } from "./TermsForm";

/** The server said so before, or when something was sent. */
export function asksForToken(info: Info | null, refusedToken: string | null): boolean {
  return refusedToken !== null || info?.uploadToken === true;
}

export function TokenField(props: TermsProps) {
  const { text } = useSurroundings();
  const { draft, canKeep, onChange } = props;
  return (
    <>
      <Field
        id="token"
        wide
        label={text.send.token}
        hint={text.send.tokenHint}
        problem={problemOf(props, text)}
      >
        {(described) => (
          <SecretInput
            described={described}
            value={draft.token}
            onChange={(token) => onChange({ token })}
          />
        )}
      </Field>
      {canKeep ? <Keep {...{ draft, onChange }} /> : null}
    </>
  );
}

/** Until it is changed, a token that was refused is known to be wrong. */
function problemOf({ draft, misfits, refusedToken }: TermsProps, text: Words): string | undefined {
  const token = draft.token.trim();
  if (token === refusedToken) return token === "" ? text.send.tokenWanted : text.send.tokenRefused;
  return misfits.includes("token") ? text.send.tokenWanted : undefined;
}

function Keep({ draft, onChange }: Pick<TermsProps, "draft" | "onChange">) {
  const { text } = useSurroundings();
  return (
    <div class="field wide check">
      <input
        id="keep-token"
        type="checkbox"
        checked={draft.keepsToken}
        aria-describedby="keep-token-told"
        onChange={(event) => onChange({ keepsToken: event.currentTarget.checked })}
      />
      <label for="keep-token">{text.send.keepToken}</label>
      <p id="keep-token-told" class="hint">
        {text.send.keepTokenHint}
      </p>
    </div>
  );
}
