/** How a share may be opened: time, password, how often, by whom. */

import type { Info } from "../../answers";
import { UNIT_SECONDS, countOf, expiryPresets, localMinute } from "../../choices";
import type { Unit } from "../../choices";
import { OTHER } from "../../draft";
import type { Draft, Misfit } from "../../draft";
import { duration } from "../../text/format";
import { Field, typed } from "../Field";
import { useSurroundings } from "../context";
import { PasswordChoice } from "./PasswordChoice";
import { TokenField, asksForToken } from "./TokenField";

export interface TermsProps {
  draft: Draft;
  info: Info | null;
  misfits: readonly Misfit[];
  /** Files that a browser can't show, where only viewing is asked for. */
  unviewable: number;
  /** See `ComposerProps`. */
  refusedToken: string | null;
  canKeep: boolean;
  onChange: (change: Partial<Draft>) => void;
}

export function TermsForm(props: TermsProps) {
  const { text } = useSurroundings();
  const { draft, onChange } = props;
  return (
    <fieldset class="terms">
      <legend>{text.send.terms}</legend>
      <Expiry {...props} />
      <Start {...props} />
      <PasswordChoice
        password={draft.password}
        onChange={(password) => onChange({ password })}
      />
      <Counts {...props} />
      <ViewOnly {...props} />
      {asksForToken(props.info, props.refusedToken) ? <TokenField {...props} /> : null}
    </fieldset>
  );
}

function Expiry({ draft, info, misfits, onChange }: TermsProps) {
  const { text } = useSurroundings();
  const presets = info ? expiryPresets(info.limits) : [];
  const range = info ? text.send.expiresRange(info.limits.minTtlS, info.limits.maxTtlS) : undefined;
  const isWrong = misfits.includes("expires");
  const isOther = draft.expires === OTHER;
  return (
    <Field
      id="expires"
      label={text.send.expires}
      hint={isOther ? range : undefined}
      problem={isWrong ? range : undefined}
    >
      {(described) => (
        <div class="span">
          <select
            {...described}
            value={draft.expires}
            onChange={(event) => onChange({ expires: event.currentTarget.value })}
          >
            {presets.map((seconds) => (
              <option key={seconds} value={String(seconds)}>
                {duration(seconds)}
              </option>
            ))}
            <option value={OTHER}>{text.send.expiresOther}</option>
          </select>
          {isOther ? <OtherExpiry {...{ draft, onChange }} /> : null}
        </div>
      )}
    </Field>
  );
}

function OtherExpiry({ draft, onChange }: Pick<TermsProps, "draft" | "onChange">) {
  const { text } = useSurroundings();
  const units = Object.keys(UNIT_SECONDS) as Unit[];
  return (
    <>
      <input
        type="text"
        inputMode="numeric"
        aria-label={text.send.expiresOtherValue}
        value={draft.otherAmount}
        onInput={(event) => onChange({ otherAmount: typed(event) })}
      />
      <select
        aria-label={text.send.expiresOtherUnit}
        value={draft.otherUnit}
        onChange={(event) => onChange({ otherUnit: event.currentTarget.value as Unit })}
      >
        {units.map((unit) => (
          <option key={unit} value={unit}>
            {text.send.units[unit]}
          </option>
        ))}
      </select>
    </>
  );
}

function Start({ draft, info, misfits, onChange }: TermsProps) {
  const { text, now } = useSurroundings();
  const range = text.send.opensAtRange(info?.limits.maxDelayS ?? 0);
  return (
    <Field
      id="opens-at"
      label={text.send.opensAt}
      hint={text.send.opensAtHint}
      problem={misfits.includes("opensAt") ? range : undefined}
    >
      {(described) => (
        <input
          {...described}
          type="datetime-local"
          min={localMinute(now())}
          value={draft.opensAt}
          onInput={(event) => onChange({ opensAt: typed(event) })}
        />
      )}
    </Field>
  );
}

function Counts({ draft, info, misfits, onChange }: TermsProps) {
  const { text } = useSurroundings();
  const limits = info?.limits;
  return (
    <div class="wide pair">
      <CountField
        id="opens"
        label={text.send.opens}
        hint={text.send.opensHint}
        value={draft.opens}
        most={limits?.opens ?? 1}
        isWrong={misfits.includes("opens")}
        onChange={(opens) => onChange({ opens })}
      />
      <CountField
        id="links"
        label={text.send.links}
        hint={text.send.linksHint}
        value={draft.links}
        most={limits?.links ?? 1}
        isWrong={misfits.includes("links")}
        onChange={(links) => onChange({ links })}
      />
      <LinkNames {...{ draft, onChange }} most={limits?.links ?? 1} />
    </div>
  );
}

function CountField(props: {
  id: string;
  label: string;
  hint: string;
  value: string;
  most: number;
  isWrong: boolean;
  onChange: (value: string) => void;
}) {
  const { text } = useSurroundings();
  const problem = props.isWrong ? text.send.countRange(props.most) : undefined;
  return (
    <Field id={props.id} label={props.label} hint={props.hint} problem={problem}>
      {(described) => (
        <input
          {...described}
          type="number"
          min={1}
          max={props.most}
          step={1}
          value={props.value}
          onInput={(event) => props.onChange(typed(event))}
        />
      )}
    </Field>
  );
}

function LinkNames(props: Pick<TermsProps, "draft" | "onChange"> & { most: number }) {
  const { text } = useSurroundings();
  const { draft, onChange } = props;
  const links = countOf(draft.links, props.most) ?? 1;
  if (links === 1) return null;
  const rename = (index: number, name: string): void => {
    const names = Array.from({ length: links }, (_, at) => draft.names[at] ?? "");
    onChange({ names: names.with(index, name) });
  };
  return (
    <div class="field wide names">
      <p class="hint">{text.send.linkNames}</p>
      {Array.from({ length: links }, (_, index) => (
        <input
          key={index}
          type="text"
          autocomplete="off"
          spellcheck={false} // names stay in this browser: its maker's spelling is no part of that
          maxLength={100}
          aria-label={text.send.linkName(index + 1)}
          placeholder={text.send.linkName(index + 1)}
          value={draft.names[index] ?? ""}
          onInput={(event) => rename(index, typed(event))}
        />
      ))}
    </div>
  );
}

function ViewOnly({ draft, unviewable, onChange }: TermsProps) {
  const { text } = useSurroundings();
  const isWarning = draft.viewOnly && unviewable > 0;
  const hint = isWarning ? text.send.viewOnlyUnviewable(unviewable) : text.send.viewOnlyHint;
  return (
    <div class="field wide check">
      <input
        id="view-only"
        type="checkbox"
        checked={draft.viewOnly}
        aria-describedby="view-only-told"
        onChange={(event) => onChange({ viewOnly: event.currentTarget.checked })}
      />
      <label for="view-only">{text.send.viewOnly}</label>
      <p id="view-only-told" class={isWarning ? "hint wrong" : "hint"}>
        {hint}
      </p>
    </div>
  );
}
