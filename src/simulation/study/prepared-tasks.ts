/**
 * Which of its prepared tasks (assigned, inputs local) each worker starts when: by priority, with
 * block levels. Owns the cores of the workers. Called by study-simulation.ts.
 */

export class PreparedTasks {
  /** Per worker: tasks by descending priority, then by the time when they became prepared. */
  private readonly prepared: number[][];
  /** Per worker: tasks that have become prepared in this instant, not in the list above yet. */
  private readonly arriving: number[][];
  private readonly freeCores: Int32Array;

  constructor(
    workerCount: number,
    cores: number,
    private readonly cpus: Uint16Array,
    private readonly priority: Float64Array,
    private readonly blocking: Float64Array,
    private readonly start: (task: number, worker: number) => void,
  ) {
    this.prepared = Array.from({ length: workerCount }, () => []);
    this.arriving = Array.from({ length: workerCount }, () => []);
    this.freeCores = new Int32Array(workerCount).fill(cores);
  }

  add(task: number, worker: number): void {
    this.arriving[worker].push(task);
  }

  /** Takes out a task that is prepared, for another worker or another priority. */
  remove(task: number, worker: number): void {
    for (const list of [this.prepared[worker], this.arriving[worker]]) {
      const place = list.indexOf(task);
      if (place >= 0) list.splice(place, 1);
    }
  }

  freeCoresOf(task: number, worker: number): void {
    this.freeCores[worker] += this.cpus[task];
  }

  /** Starts what can start: tasks prepared before first, then each that has just come. */
  startAt(worker: number): void {
    const list = this.prepared[worker];
    const arriving = this.arriving[worker];
    if (list.length > 0) this.scan(list, worker);
    for (let i = 0; i < arriving.length; i++) {
      this.insert(arriving[i], list);
      this.scan(list, worker);
    }
    arriving.length = 0;
  }

  /** The task has been assigned with others, with its inputs there already. */
  addAssigned(task: number, worker: number): void {
    this.insert(task, this.prepared[worker]);
  }

  private insert(task: number, list: number[]): void {
    const { priority } = this;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (priority[list[middle]] >= priority[task]) low = middle + 1;
      else high = middle;
    }
    list.splice(low, 0, task);
  }

  private scan(list: number[], worker: number): void {
    const { cpus, priority, blocking, freeCores } = this;
    let level = Number.NEGATIVE_INFINITY;
    let kept = 0;
    let i = 0;
    for (; i < list.length && freeCores[worker] > 0; i++) {
      const task = list[i];
      // The list is in order of priority: all further ones are below the level too.
      if (priority[task] < level) break;
      if (cpus[task] <= freeCores[worker]) {
        freeCores[worker] -= cpus[task];
        this.start(task, worker);
      } else {
        level = Math.max(level, blocking[task]);
        list[kept++] = task;
      }
    }
    if (kept === i) return;
    list.copyWithin(kept, i);
    list.length -= i - kept;
  }
}
