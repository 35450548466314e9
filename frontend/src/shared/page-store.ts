/** The store of this page, and the controller that updates an element when it changes. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

import { Store } from "../store/store.ts";
import { homeAssistant } from "./actions.ts";

export const store = new Store(homeAssistant);

export class StoreController implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #unsubscribe?: () => void;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    this.#unsubscribe = store.subscribe(() => this.#host.requestUpdate());
    this.#host.requestUpdate();
  }

  hostDisconnected(): void {
    this.#unsubscribe?.();
  }
}
