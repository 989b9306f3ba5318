/** Many plans at the same time, again and again, until stop() or the first that goes wrong. */
export class Lanes {
  finishedPlans = 0;
  /** Rejected when a plan goes wrong. */
  readonly ended: Promise<unknown>;
  private stopped = false;

  constructor(count: number, runOne: () => Promise<void>) {
    const lane = async (): Promise<void> => {
      while (!this.stopped) {
        await runOne();
        this.finishedPlans++;
      }
    };
    this.ended = Promise.all(Array.from({ length: count }, lane));
    this.ended.catch(() => this.stop());
  }

  stop(): void {
    this.stopped = true;
  }
}
