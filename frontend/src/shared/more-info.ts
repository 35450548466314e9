/** Open Home Assistant's dialog with the details and the history of an entity. */
export function showMoreInfo(card: HTMLElement, entityId: string | undefined): void {
  if (!entityId) return;
  const detail = { entityId };
  card.dispatchEvent(new CustomEvent("hass-more-info", { detail, bubbles: true, composed: true }));
}
