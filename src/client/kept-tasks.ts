/**
 * Tasks that the server keeps for this client beyond plans (`Task.kept`: the code of functions).
 * Owns which of them it has; the client submits them as results that have no future.
 */
import type { Task, TaskPlan } from "../graph/index.js";
import { ResultState } from "./result-state.js";
import type { Session } from "./session.js";

export class KeptTasks {
  private readonly states = new WeakMap<Task, ResultState>();
  /** What the server holds or is about to. Agrees with `states` of tasks that are alive. */
  private readonly held = new Set<ResultState>();
  /** Nobody can submit a task again that is garbage. */
  private readonly garbage: FinalizationRegistry<ResultState>;

  constructor(private readonly session: Session) {
    this.garbage = new FinalizationRegistry((state) => this.forget(state));
  }

  /** Objects that the server holds for kept tasks. */
  get objectCount(): number {
    let count = 0;
    for (const state of this.held) if (state.status === "finished") count++;
    return count;
  }

  /** Id of a task that was submitted before; undefined if it must be submitted (again). */
  findId(task: Task): number | undefined {
    const state = this.states.get(task);
    if (state === undefined) return undefined;
    if (state.status === "pending" || state.status === "finished") return state.id;
    // Its plan was refused, or it was lost and could not be computed again.
    this.states.delete(task);
    this.forget(state);
    return undefined;
  }

  /** Remembers the kept tasks of a plan that is about to be sent. */
  add({ keptNumbers, tasks, idBase }: TaskPlan): void {
    for (const number of keptNumbers) {
      const task = tasks[number];
      const state = new ResultState(idBase + number, idBase, task.type, task.label);
      this.states.set(task, state);
      this.held.add(state);
      this.garbage.register(task, state);
      this.session.results.add(state);
    }
  }

  private forget(state: ResultState): void {
    this.held.delete(state);
    this.session.release(state);
  }
}
