/** Visual editors. */
import type { FormElement, FormField } from "../home-assistant.ts";
import { optionalText } from "./texts.ts";

const HIDE_AMOUNTS: FormField = { name: "hide_amounts", selector: { boolean: {} } };

/** The visual editor of a card or a dashboard. */
interface Editor extends FormElement {
  setConfig(config: Record<string, unknown>): void;
}

/** Return an editor for these options and the one that all cards have: Home Assistant's own form. */
export function createEditor(...fields: FormField[]): Editor {
  const schema = [...fields, HIDE_AMOUNTS];
  const editor = Object.assign(document.createElement("ha-form"), {
    schema,
    computeLabel: ({ name }: FormField) => optionalText(`option_${name}`),
    setConfig(config: Record<string, unknown>) {
      editor.data = withLists(config, schema);
    },
  });
  editor.addEventListener("value-changed", (event) => {
    const { value: config } = (event as CustomEvent<{ value: object }>).detail;
    editor.dispatchEvent(new CustomEvent("config-changed", { detail: { config } }));
  });
  return editor;
}

/**
 * Return a configuration in which options with several devices are lists.
 *
 * Their picker fails with a single id, which YAML may contain.
 */
function withLists(config: Record<string, unknown>, schema: FormField[]): object {
  const lists: Record<string, unknown[]> = {};
  for (const { name, selector } of schema) {
    if (selector.device?.multiple && config[name]) lists[name] = [config[name]].flat();
  }
  return { ...config, ...lists };
}
