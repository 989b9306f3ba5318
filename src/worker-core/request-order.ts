/**
 * The requests that have ready tasks, in the order in which the first tasks of these start: a treap
 * (Seidel, Aragon: "Randomized search trees", 1996). Each subtree knows the least that one of its requests
 * asks for, and the most: so the first one that may start is found without looking at those for which
 * there is no room, and those that it delays without looking at the others. Owns the order only;
 * request-queue.ts says when a request has another first task.
 *
 * What is asked for is measured in one number per resource, cores first (resource-pool.ts: `needed`,
 * `claimed`). These numbers rule out subtrees; what ResourceSlots says of a request decides.
 */
import type { ResourceSlots } from "./resource-slots.js";
import type { WorkerRequest } from "./worker-request.js";
import { startsBefore, type WorkerTask } from "./worker-task.js";

/** A request's place in the order: a node of the tree. */
export class RequestPlace {
  /** The request's first task; undefined: it has none, the place is not in the tree. */
  head: WorkerTask | undefined;
  /** No place below it has a larger one. */
  weight = 0;
  left: RequestPlace | undefined;
  right: RequestPlace | undefined;
  /** Others passed its first task as often as they may: what it asks for is kept for it. */
  isKept = false;
  /** Places of the subtree that are kept. */
  kept = 0;
  /** Of the subtree, by resource: the least that is needed, */
  readonly least: number[];
  /** the most that is claimed by places that may still be passed, and by those that are kept. */
  readonly mostPassed: number[];
  readonly mostKept: number[];

  constructor(readonly request: WorkerRequest) {
    this.least = [...request.needed];
    this.mostPassed = [...request.claimed];
    this.mostKept = request.claimed.map(() => 0);
  }

  /** Computes anew what it says of the subtree from itself and its children. */
  refresh(): void {
    const { left, right, least, mostPassed, mostKept, isKept } = this;
    const { needed, claimed } = this.request;
    this.kept = (isKept ? 1 : 0) + (left?.kept ?? 0) + (right?.kept ?? 0);
    for (let d = 0; d < needed.length; d++) {
      let few = needed[d];
      let passed = isKept ? 0 : claimed[d];
      let kept = isKept ? claimed[d] : 0;
      if (left !== undefined) {
        if (left.least[d] < few) few = left.least[d];
        if (left.mostPassed[d] > passed) passed = left.mostPassed[d];
        if (left.mostKept[d] > kept) kept = left.mostKept[d];
      }
      if (right !== undefined) {
        if (right.least[d] < few) few = right.least[d];
        if (right.mostPassed[d] > passed) passed = right.mostPassed[d];
        if (right.mostKept[d] > kept) kept = right.mostKept[d];
      }
      least[d] = few;
      mostPassed[d] = passed;
      mostKept[d] = kept;
    }
  }
}

export class RequestOrder {
  /** How many places have been looked at. For tests. */
  looks = 0;
  private root: RequestPlace | undefined;
  private seed = 1;
  /** By resource, while a task is looked for: more than this does not fit, or is kept for another one. */
  private readonly limits: number[] = [];
  /** What is wholly free. */
  private readonly free: number[] = [];
  /** While those that have been passed are counted: who claims more is delayed. */
  private readonly left: number[] = [];
  /** What is kept can't be told from `limits` alone. */
  private isUnsure = false;

  constructor(
    private readonly slots: ResourceSlots,
    /** So often may tasks that delay it start before one that does not fit. */
    private readonly maxPassedOver: number,
  ) {}

  /** The request's first task is this one now; undefined: it has none. */
  place({ place }: WorkerRequest, head: WorkerTask | undefined): void {
    if (place.head === head) return;
    if (place.head !== undefined) {
      this.root = remove(this.root, place);
      place.left = undefined;
      place.right = undefined;
    }
    place.head = head;
    if (head === undefined) return;
    // Any weights that have nothing to do with the order will do (xorshift, Marsaglia 2003).
    this.seed ^= this.seed << 13;
    this.seed ^= this.seed >>> 17;
    this.seed ^= this.seed << 5;
    place.weight = this.seed;
    place.isKept = head.passedOver >= this.maxPassedOver;
    place.refresh();
    this.root = insert(this.root, place);
  }

  /** The first task that fits and takes nothing that is kept for one before it. */
  findStartable(): WorkerTask | undefined {
    if (this.root === undefined) return undefined;
    this.slots.measureFree(this.limits, this.free);
    this.isUnsure = false;
    return this.search(this.root)?.head;
  }

  /** Counts that the task, which findStartable() has returned, passes those before it that it delays. */
  countPassedOver(task: WorkerTask): void {
    const { root, left, free } = this;
    const request = task.request!;
    if (root === undefined || (root.left === undefined && root.right === undefined)) return;
    const { claimed } = request;
    for (let d = 0; d < claimed.length; d++) {
      left[d] = claimed[d] === 0 ? Number.POSITIVE_INFINITY : Math.max(0, free[d] - claimed[d]);
    }
    this.pass(root, task, request);
  }

  /** Whether a task that starts before this one, the first of its request, asks for some of the same resources. */
  isSharedBefore(task: WorkerTask): boolean {
    const { claimed } = task.request!;
    let node = this.root;
    while (node !== undefined) {
      this.looks++;
      if (!startsBefore(node.head!, task)) {
        node = node.left;
        continue;
      }
      if (shares(claimed, node.request.claimed)) return true;
      const { left } = node;
      if (left !== undefined) {
        if (shares(claimed, left.mostPassed) || shares(claimed, left.mostKept)) return true;
      }
      node = node.right;
    }
    return false;
  }

  /** The requests, first ones first. For checks. */
  requests(): WorkerRequest[] {
    const list: WorkerRequest[] = [];
    const visit = (node: RequestPlace | undefined): void => {
      if (node === undefined) return;
      visit(node.left);
      list.push(node.request);
      visit(node.right);
    };
    visit(this.root);
    return list;
  }

  /** Throws an Error unless everything fits together. For tests. */
  check(): void {
    const must = (condition: boolean, what: string): void => {
      if (!condition) throw new Error(`order of requests: ${what}`);
    };
    const visit = (node: RequestPlace | undefined): void => {
      if (node === undefined) return;
      const { least, mostPassed, mostKept, kept, head, request } = node;
      must(request.place === node, "a request has another place");
      must(request.ready.head() === head, "a place has not the first task");
      must(node.isKept === head!.passedOver >= this.maxPassedOver, "a task is (not) kept for");
      for (const child of [node.left, node.right]) {
        must(child === undefined || child.weight <= node.weight, "the tree is no heap");
        visit(child);
      }
      const before = JSON.stringify([least, mostPassed, mostKept, kept]);
      node.refresh();
      must(JSON.stringify([least, mostPassed, mostKept, node.kept]) === before, "wrong sums");
    };
    visit(this.root);
    const heads = this.requests().map(({ place }) => place.head!);
    must(
      heads.every((head, i) => i === 0 || startsBefore(heads[i - 1], head)),
      "not sorted",
    );
  }

  /** The first place of the subtree with a task that may start. Lowers `limits` by what is kept before it. */
  private search(node: RequestPlace): RequestPlace | undefined {
    this.looks++;
    if (!this.mayFit(node.least)) {
      if (node.kept > 0) this.keep(node.mostKept);
      return undefined;
    }
    if (node.left !== undefined) {
      const found = this.search(node.left);
      if (found !== undefined) return found;
    }
    if (this.mayFit(node.request.needed) && this.slots.fits(node.request)) {
      if (!this.isUnsure && !node.request.isParticular) return node;
      if (!this.isKeptBack(this.root, node.head!)) return node;
    }
    if (node.isKept) this.keep(node.request.claimed);
    return node.right === undefined ? undefined : this.search(node.right);
  }

  private mayFit(needed: readonly number[]): boolean {
    const { limits } = this;
    for (let d = 0; d < needed.length; d++) if (needed[d] > limits[d]) return false;
    return true;
  }

  /** What comes behind must leave so much. Who asks for none of a resource takes none of it. */
  private keep(claimed: readonly number[]): void {
    const { limits, free } = this;
    for (let d = 0; d < claimed.length; d++) {
      if (claimed[d] === Number.POSITIVE_INFINITY) this.isUnsure = true;
      else if (claimed[d] > 0) limits[d] = Math.max(0, Math.min(limits[d], free[d] - claimed[d]));
    }
  }

  /** Something is kept for a task before this one, which would not be left enough. Looks at all kept ones. */
  private isKeptBack(node: RequestPlace | undefined, task: WorkerTask): boolean {
    if (node === undefined || node.kept === 0) return false;
    this.looks++;
    if (this.isKeptBack(node.left, task)) return true;
    if (!startsBefore(node.head!, task)) return false;
    if (node.isKept && this.slots.delays(task.request!, node.request)) return true;
    return this.isKeptBack(node.right, task);
  }

  /** True: the subtree has changed. */
  private pass(node: RequestPlace | undefined, task: WorkerTask, request: WorkerRequest): boolean {
    if (node === undefined || !this.mayDelay(node.mostPassed)) return false;
    this.looks++;
    let changed = this.pass(node.left, task, request);
    if (startsBefore(node.head!, task)) {
      const { head } = node;
      if (!node.isKept && this.slots.delays(request, node.request)) {
        node.isKept = ++head!.passedOver >= this.maxPassedOver;
        changed ||= node.isKept;
      }
      if (this.pass(node.right, task, request)) changed = true;
    }
    if (changed) node.refresh();
    return changed;
  }

  private mayDelay(claimed: readonly number[]): boolean {
    const { left } = this;
    for (let d = 0; d < claimed.length; d++) if (claimed[d] > left[d]) return true;
    return false;
  }
}

/** Whether somebody who claims the first wants something of a resource that somebody of the second wants too. */
function shares(claimed: readonly number[], others: readonly number[]): boolean {
  for (let d = 0; d < claimed.length; d++) if (claimed[d] > 0 && others[d] > 0) return true;
  return false;
}

function insert(node: RequestPlace | undefined, added: RequestPlace): RequestPlace {
  if (node === undefined) return added;
  if (added.weight > node.weight) {
    split(node, added.head!, added);
    added.refresh();
    return added;
  }
  if (startsBefore(added.head!, node.head!)) node.left = insert(node.left, added);
  else node.right = insert(node.right, added);
  node.refresh();
  return node;
}

/** Hangs what comes before the task to the left of `under`, the rest to the right. */
function split(node: RequestPlace | undefined, at: WorkerTask, under: RequestPlace): void {
  if (node === undefined) {
    under.left = undefined;
    under.right = undefined;
  } else if (startsBefore(node.head!, at)) {
    split(node.right, at, under);
    node.right = under.left;
    node.refresh();
    under.left = node;
  } else {
    split(node.left, at, under);
    node.left = under.right;
    node.refresh();
    under.right = node;
  }
}

function remove(node: RequestPlace | undefined, gone: RequestPlace): RequestPlace | undefined {
  if (node === gone || node === undefined) return joined(gone.left, gone.right);
  if (startsBefore(gone.head!, node.head!)) node.left = remove(node.left, gone);
  else node.right = remove(node.right, gone);
  node.refresh();
  return node;
}

/** One tree of two, all of the first before all of the second. */
function joined(
  a: RequestPlace | undefined,
  b: RequestPlace | undefined,
): RequestPlace | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const top = a.weight >= b.weight ? a : b;
  if (top === a) a.right = joined(a.right, b);
  else b.left = joined(a, b.left);
  top.refresh();
  return top;
}
