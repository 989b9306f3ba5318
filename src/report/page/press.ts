/** Updates of a page that lives, put off while somebody clicks. Called by mount-views.ts. */

/** While a button of the mouse is down nothing is replaced: else what was clicked may be gone when it is let go. */
export class Press {
  private isDown = false;
  private waiting: (() => void) | undefined;

  constructor(private readonly root: HTMLElement) {
    root.addEventListener("pointerdown", this.down);
    addEventListener("pointerup", this.up);
    addEventListener("pointercancel", this.up);
  }

  /** At once if none is down; of several that wait the last one counts. */
  whenReleased(update: () => void): void {
    if (this.isDown) this.waiting = update;
    else update();
  }

  destroy(): void {
    this.waiting = undefined;
    this.root.removeEventListener("pointerdown", this.down);
    removeEventListener("pointerup", this.up);
    removeEventListener("pointercancel", this.up);
  }

  private readonly down = (): void => {
    this.isDown = true;
  };

  private readonly up = (): void => {
    this.isDown = false;
    // The click comes after this event.
    setTimeout(() => {
      const update = this.isDown ? undefined : this.waiting;
      if (update === undefined) return;
      this.waiting = undefined;
      update();
    });
  };
}
