/** One part of the page: what mount-views.ts puts below each other, and pages can add their own of. */
import type { ViewContext } from "./view-context.js";

export interface Section {
  /** Name in the address after "#" and in `ViewOptions.sections`. */
  readonly id: string;
  readonly title: string;
  /** One sentence that says how to read it. */
  readonly hint?: string;
  /** Called when the section comes into sight for the first time. `host` is empty and has its full width. */
  mount(host: HTMLElement, context: ViewContext): SectionView;
}

export interface SectionView {
  /** Data, filter or colours have changed. Called only while the section is in sight, else when it comes there. */
  update(): void;
  destroy(): void;
}
