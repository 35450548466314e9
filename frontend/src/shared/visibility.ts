/** Whether the amounts of the generated dashboard are visible on this page. */

/** Amounts that the user has shown are hidden again after this time. */
const SHOWN_FOR = 60_000;

export class AmountVisibility {
  #shownUntil = 0;
  #isHidden = false;

  /** Whether to hide the amounts of a dashboard whose option is `hideAmounts`. */
  areHidden(hideAmounts: boolean): boolean {
    if (this.millisecondsShown > 0) return false;
    return hideAmounts || this.#isHidden;
  }

  /** For how long the amounts are shown until they are hidden again; 0 if that is not planned. */
  get millisecondsShown(): number {
    return Math.max(0, this.#shownUntil - Date.now());
  }

  show(): void {
    this.#shownUntil = Date.now() + SHOWN_FOR;
    this.#isHidden = false;
  }

  hide(): void {
    this.#shownUntil = 0;
    this.#isHidden = true;
  }
}

export const visibility = new AmountVisibility();
