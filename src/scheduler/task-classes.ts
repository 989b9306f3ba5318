/**
 * The table of shapes and classes. Classes are 16 bits in the task table, and every amount of memory that is
 * computed for a task is another one, so they are given back: a class knows how many plans have tasks of
 * it. Without any it is idle; of idle classes the last ones are kept, with what was learned of them, the
 * others are forgotten, and with them shapes, requests and labels that nothing else has. Their indices
 * are used again: until then the lists keep what was forgotten, as queues may have rows of plans that are gone.
 *
 * Where more classes than there is room for are in use at once, tasks get a coarser one
 * (findOrCoarser()), so that the server does not refuse all that is new.
 */
import { LabelNumbers } from "./label-numbers.js";
import type { RequestKind } from "./request-kind.js";
import { TaskClass, TaskShape } from "./task-class.js";

/** Numbers of classes are less. */
export const MAX_CLASSES = 65_536;
/** Idle classes that are kept. */
const KEPT_IDLE = 4096;

/** Who is told of what is forgotten. */
export interface ClassObserver {
  /** The index may be that of another class from now on. */
  classGone(taskClass: TaskClass): void;
  shapeGone(shape: TaskShape): void;
}

const NOBODY: ClassObserver = { classGone: () => {}, shapeGone: () => {} };

export class TaskClasses {
  /** By index; see above of those that are gone. */
  readonly list: TaskClass[] = [];
  readonly shapes: TaskShape[] = [];
  readonly labels = new LabelNumbers(() => this.forgetOldest(this.idleLabelled));
  /** Estimate of the longest class; what nothing is known of counts as long. Kept by ranking.ts. */
  longestMs = 0;
  private readonly byKey = new Map<string, TaskClass>();
  private readonly shapeByKey = new Map<string, TaskShape>();
  /** Those without a label, by request and type. */
  private readonly plain = new Map<string, Set<TaskClass>>();
  private readonly freeClasses: number[] = [];
  private readonly freeShapes: number[] = [];
  private shapeSerial = 0;
  /** Classes that plans have had and none has now, the longest idle first: without a label, and with one. */
  private readonly idlePlain = new Set<TaskClass>();
  private readonly idleLabelled = new Set<TaskClass>();
  private idleClock = 0;

  /** @param limit of the number of classes; an eighth each is for coarser ones, and for the coarsest */
  constructor(
    private readonly limit = MAX_CLASSES,
    private readonly observer: ClassObserver = NOBODY,
  ) {}

  /** The same for a label that is not to become known; undefined: no task has had one like it. */
  findLabel(text: string): number | undefined {
    return this.labels.find(text);
  }

  /** Number of a label's class: labels are alike up to their first ":". 0: no label. */
  label(text: string): number {
    return this.labels.numberOf(text);
  }

  /** The label (up to its first ":") with this number; undefined: it is one of those that share a class. */
  labelText(number: number): string | undefined {
    return this.labels.textOf(number);
  }

  /** Number of classes that are known. */
  get count(): number {
    return this.byKey.size;
  }

  /** The class; made when it is new, whatever the limit is. */
  find(kind: RequestKind, taskType: number, label = 0, priority = 0): TaskClass {
    return (
      this.known(kind, taskType, label, priority) ?? this.make(kind, taskType, label, priority)
    );
  }

  /**
   * The class, if it is known or there is room for it; else that without the label, else the one
   * without a label that has the nearest priority. Undefined: there is none either; that can be so only of
   * tasks with a request.
   */
  findOrCoarser(
    kind: RequestKind,
    taskType: number,
    label: number,
    priority: number,
  ): TaskClass | undefined {
    const known = this.known(kind, taskType, label, priority);
    if (known !== undefined) return known;
    const reserve = this.limit >> 3;
    if (this.hasRoom(this.limit - 2 * reserve)) return this.make(kind, taskType, label, priority);
    const plain = this.known(kind, taskType, 0, priority);
    if (plain !== undefined) return plain;
    if (this.hasRoom(this.limit - reserve)) return this.make(kind, taskType, 0, priority);
    const nearest = this.findNearest(kind, taskType, priority);
    if (nearest !== undefined || !kind.light) return nearest;
    return this.hasRoom(this.limit) ? this.make(kind, taskType, 0, 0) : undefined;
  }

  /** A plan has tasks of the class. */
  hold(taskClass: TaskClass): void {
    if (taskClass.plans++ > 0) return;
    this.idleOf(taskClass).delete(taskClass);
  }

  /** The plan is gone. */
  release(taskClass: TaskClass): void {
    if (--taskClass.plans > 0) return;
    taskClass.idleSince = this.idleClock++;
    this.idleOf(taskClass).add(taskClass);
    const kept = Math.min(KEPT_IDLE, this.limit >> 2);
    if (this.idlePlain.size + this.idleLabelled.size > kept) this.forgetIdle();
  }

  /** Forgets the class that was idle for longest; false: none is. */
  forgetIdle(): boolean {
    const [plain] = this.idlePlain;
    const [labelled] = this.idleLabelled;
    const isPlain =
      labelled === undefined || (plain !== undefined && plain.idleSince < labelled.idleSince);
    return this.forgetOldest(isPlain ? this.idlePlain : this.idleLabelled);
  }

  /** Throws an Error unless everything is counted right. For tests. @param plans one entry per plan that has it */
  check(plans: readonly TaskClass[]): void {
    const must = (condition: boolean, what: string): void => {
      if (!condition) throw new Error(`classes of tasks: ${what}`);
    };
    const held = new Map<TaskClass, number>();
    for (const one of plans) held.set(one, (held.get(one) ?? 0) + 1);
    const all = [...this.byKey.values()];
    const classesOf = new Map<TaskShape, number>();
    for (const one of all) {
      const { index, shape, isGone } = one;
      must(this.list[index] === one && !isGone, `${index} is another one`);
      must(one.plans === (held.get(one) ?? 0), `${index} has ${one.plans} plans`);
      must(!this.idleOf(one).has(one) || one.plans === 0, `${index} is idle, and in use`);
      classesOf.set(shape, (classesOf.get(shape) ?? 0) + 1);
      held.delete(one);
    }
    must(held.size === 0, "some that plans have were forgotten");
    must(all.length + this.freeClasses.length === this.list.length, "indices were lost");
    for (const shape of this.shapeByKey.values()) {
      must(this.shapes[shape.index] === shape, `shape ${shape.index} is another one`);
      must(shape.classes === classesOf.get(shape), `shape ${shape.index} miscounts`);
    }
    must(classesOf.size === this.shapeByKey.size, "shapes were lost");
    this.labels.check(all.map(({ label }) => label));
  }

  /** All shapes that are known. For tests. */
  knownShapes(): TaskShape[] {
    return [...this.shapeByKey.values()];
  }

  private known(
    kind: RequestKind,
    taskType: number,
    label: number,
    priority: number,
  ): TaskClass | undefined {
    return this.byKey.get(`${kind.index} ${taskType} ${label} ${priority}`);
  }

  /** Whether there are less than so many; makes room if that can be done. */
  private hasRoom(limit: number): boolean {
    while (this.byKey.size >= limit) if (!this.forgetIdle()) return false;
    return true;
  }

  private findNearest(kind: RequestKind, taskType: number, priority: number) {
    let nearest: TaskClass | undefined;
    for (const one of this.plain.get(`${kind.index} ${taskType}`) ?? []) {
      const distance = Math.abs(one.priority - priority);
      if (nearest === undefined || distance < Math.abs(nearest.priority - priority)) nearest = one;
    }
    return nearest;
  }

  private make(kind: RequestKind, taskType: number, label: number, priority: number): TaskClass {
    const shape = this.shape(kind, taskType, kind.light ? priority : 0);
    shape.classes++;
    const index = this.freeClasses.pop() ?? this.list.length;
    const made = new TaskClass(index, shape, label, priority);
    if (!made.light) made.rankedMs = Math.max(made.rankedMs, this.longestMs);
    this.list[index] = made;
    this.byKey.set(`${kind.index} ${taskType} ${label} ${priority}`, made);
    if (label > 0) {
      this.labels.use(label);
    } else {
      const key = `${kind.index} ${taskType}`;
      const others = this.plain.get(key);
      if (others === undefined) this.plain.set(key, new Set([made]));
      else others.add(made);
    }
    return made;
  }

  private shape(kind: RequestKind, taskType: number, priority: number): TaskShape {
    const key = `${kind.index} ${taskType} ${priority}`;
    let shape = this.shapeByKey.get(key);
    if (shape === undefined) {
      const index = this.freeShapes.pop() ?? this.shapes.length;
      shape = new TaskShape(index, this.shapeSerial++, kind, taskType, priority);
      kind.users++;
      this.shapes[index] = shape;
      this.shapeByKey.set(key, shape);
    }
    return shape;
  }

  private idleOf({ label }: TaskClass): Set<TaskClass> {
    return label === 0 ? this.idlePlain : this.idleLabelled;
  }

  private forgetOldest(idle: Set<TaskClass>): boolean {
    const [oldest] = idle;
    if (oldest === undefined) return false;
    idle.delete(oldest);
    this.forget(oldest);
    return true;
  }

  private forget(taskClass: TaskClass): void {
    const { index, shape, label, priority } = taskClass;
    const { kind, taskType } = shape;
    this.byKey.delete(`${kind.index} ${taskType} ${label} ${priority}`);
    this.freeClasses.push(index);
    taskClass.isGone = true;
    if (label > 0) {
      this.labels.release(label);
    } else {
      const key = `${kind.index} ${taskType}`;
      const others = this.plain.get(key)!;
      others.delete(taskClass);
      if (others.size === 0) this.plain.delete(key);
    }
    this.observer.classGone(taskClass);
    if (--shape.classes > 0) return;
    this.shapeByKey.delete(`${kind.index} ${taskType} ${shape.priority}`);
    this.freeShapes.push(shape.index);
    // What queues there is of plans that are gone.
    shape.heavy.clear();
    while (shape.ready.length > 0) shape.ready.popFront();
    this.observer.shapeGone(shape);
  }
}
