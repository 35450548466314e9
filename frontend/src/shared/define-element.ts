/** Defines custom elements. */

/** Define an element, unless a page that was open during an update has it already. */
export function defineElement(tag: string, element: CustomElementConstructor): void {
  if (!customElements.get(tag)) customElements.define(tag, element);
}
