/**
 * The scheduler's side of the study's simulator: what it is told at a decision, and what it may
 * answer. Implemented by fixed-schedule.ts and core-scheduler.ts, called by study-simulation.ts.
 */

/** What has happened since the last decision. The lists are valid until decide() returns. */
export interface StudyNews {
  /** Time of the decision, seconds. */
  readonly nowS: number;
  /** Tasks that have started. */
  readonly started: readonly number[];
  /** Tasks that have ended; their outputs are at their worker. */
  readonly finished: readonly number[];
  /** Downloads that are done: object `fetched[i]` is at worker `fetchedAt[i]` now. */
  readonly fetched: readonly number[];
  readonly fetchedAt: readonly number[];
  /** Tasks taken back from their worker: see StudyAnswer.withdraw. */
  readonly withdrawn: readonly number[];
}

/** What the scheduler decides; it applies `schedulingS` later, in the order given here. */
export interface StudyAnswer {
  /**
   * Assigns a task. One that is assigned but has not started when the answer applies moves, or
   * gets the new priority; for one that has started nothing changes.
   * @param priority order of start and of downloads at the worker, higher first
   * @param blocking while the task waits for cores, tasks of a lower priority than this do not start
   */
  assign(task: number, worker: number, priority: number, blocking: number): void;
  /** Takes a task back if it has not started when the answer applies: news.withdrawn tells. */
  withdraw(task: number): void;
  /** Downloads an object to a worker, now or as soon as it exists. */
  prefetch(object: number, worker: number, priority: number): void;
}

export interface StudyScheduler {
  /** Called at time 0 with no news, and then each time when something has happened. */
  decide(news: StudyNews, answer: StudyAnswer): void;
}
