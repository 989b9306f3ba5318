/**
 * When the scheduler decides and when its answers apply: it waits until something has happened and
 * `minDelayS` has passed since its last answer applied, decides on what it knows then, and the
 * answer applies `schedulingS` later. Owns the news between decisions. Used by study-simulation.ts.
 */
import { PendingAnswer } from "./pending-answer.js";
import type { StudyAnswer, StudyNews, StudyScheduler } from "./study-scheduler.js";

const NEVER = Number.POSITIVE_INFINITY;
/** Decisions in a row after which nothing but taking tasks back has happened. */
const MAX_IDLE_DECISIONS = 1000;

interface News extends StudyNews {
  nowS: number;
  readonly started: number[];
  readonly finished: number[];
  readonly fetched: number[];
  readonly fetchedAt: number[];
  readonly withdrawn: number[];
}

export class DecisionCycle {
  /** To be filled; happened() says that it is worth a decision. */
  readonly news: News = {
    nowS: 0,
    started: [],
    finished: [],
    fetched: [],
    fetchedAt: [],
    withdrawn: [],
  };
  decisions = 0;
  /** An answer is on its way until `applyAtS`, or a decision is due at `decideAtS`, or neither. */
  private applyAtS = NEVER;
  private decideAtS = 0;
  private lastAppliedS = 0;
  private readonly answer = new PendingAnswer();
  private idleDecisions = 0;

  constructor(
    private readonly scheduler: StudyScheduler,
    private readonly times: { readonly minDelayS: number; readonly schedulingS: number },
  ) {}

  /** When something is to be done here next. */
  get nextS(): number {
    return Math.min(this.applyAtS, this.decideAtS);
  }

  /** The scheduler goes on deciding, but nothing comes of it. */
  get isIdling(): boolean {
    return this.idleDecisions > MAX_IDLE_DECISIONS;
  }

  /** Something that wakes the scheduler. */
  happened(nowS: number): void {
    if (this.nextS === NEVER)
      this.decideAtS = Math.max(nowS, this.lastAppliedS + this.times.minDelayS);
  }

  isAnswerDue(nowS: number): boolean {
    return this.applyAtS <= nowS;
  }

  isDecisionDue(nowS: number): boolean {
    return this.decideAtS <= nowS;
  }

  apply(nowS: number, target: StudyAnswer): void {
    this.applyAtS = NEVER;
    this.lastAppliedS = nowS;
    this.answer.applyTo(target);
    const { finished, fetched, withdrawn } = this.news;
    if (finished.length + fetched.length + withdrawn.length > 0) this.happened(nowS);
  }

  decide(nowS: number): void {
    const { news } = this;
    const happened = news.started.length + news.finished.length + news.fetched.length;
    this.idleDecisions = happened > 0 ? 0 : this.idleDecisions + 1;
    this.decisions++;
    this.decideAtS = NEVER;
    this.applyAtS = nowS + this.times.schedulingS;
    news.nowS = nowS;
    this.scheduler.decide(news, this.answer);
    for (const list of [news.started, news.finished, news.fetched, news.fetchedAt]) list.length = 0;
    news.withdrawn.length = 0;
  }
}
