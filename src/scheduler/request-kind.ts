/**
 * What tasks ask of a worker, each distinct request once. A request has variants in order of
 * preference; a variant has a number of its own, under which workers know it. Owns these tables: what no
 * tasks ask for any more is forgotten, its numbers are used again (workers are told anew). What a
 * worker has free is in worker-load.ts.
 */
import type { ConcreteRequest, RequestedAmounts } from "../graph/index.js";

/** A variant of a request, with the scheduler's numbers of its resources. */
export interface RequestVariant extends ConcreteRequest {
  /** Numbers of the named resources, as in `amounts`. */
  readonly resourceIds: readonly number[];
  /** Anything but one core: a worker that is full of small tasks has to be emptied for it. */
  readonly large: boolean;
}

/** A request; equal ones are one object. Kind 0 asks for nothing: light tasks. */
export class RequestKind {
  /** Shapes of tasks that have it, one more while it is looked at. Without any it is forgotten. */
  users = 0;

  constructor(
    readonly index: number,
    readonly variants: readonly RequestVariant[],
  ) {}

  get light(): boolean {
    return this.variants.length === 0;
  }

  /** It asks for nothing but cores, in one variant. */
  get cpusOnly(): boolean {
    return this.variants.length === 1 && this.variants[0].amounts.length === 0;
  }
}

/** Ids of variants are 16 bits on their way to workers; 0 is none. */
export const MAX_VARIANTS = 65_535;

/** A variant, and how many kinds have it. */
interface CountedVariant {
  readonly variant: RequestVariant;
  readonly key: string;
  kinds: number;
}

export class RequestKinds {
  /**
   * By kind; the first is that of light tasks. Those that were forgotten stay until their index is used
   * again.
   */
  readonly list: RequestKind[] = [new RequestKind(0, [])];
  private readonly kinds = new Map<string, RequestKind>([["[]", this.list[0]]]);
  private readonly freeKinds: number[] = [];
  private readonly variants = new Map<string, CountedVariant>();
  private readonly variantOfId: (CountedVariant | undefined)[] = [undefined];
  private readonly freeIds: number[] = [];
  private readonly resources = new Map<string, number>();
  /** What find() has returned since settle(): counted as used once more. */
  private readonly looked = new Set<RequestKind>();

  /**
   * @param limit of variants
   * @param makeRoom makes who has not used a kind for long forget it; false: nobody has
   */
  constructor(
    private readonly limit = MAX_VARIANTS,
    private readonly makeRoom: () => boolean = () => false,
  ) {}

  /** Number of the named resource; made when it is new. */
  resourceId(name: string): number {
    let id = this.resources.get(name);
    if (id === undefined) {
      id = this.resources.size;
      this.resources.set(name, id);
    }
    return id;
  }

  /** The kind with these variants; made when it is new. Throws when there are too many. */
  find(variants: readonly RequestedAmounts[]): RequestKind {
    const kind = this.findIfRoom(variants);
    if (kind === undefined) throw new RangeError(`there are ${this.limit} requests already`);
    return kind;
  }

  /** The same; undefined: it is new, and there are too many. It stays at least until settle(). */
  findIfRoom(variants: readonly RequestedAmounts[]): RequestKind | undefined {
    const asked = variants.map(sortedAmounts);
    const keys = asked.map(keyOfVariant);
    const key = JSON.stringify(keys);
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      // Whoever makes room may forget variants that this one has: only then is looked for them.
      let missing = this.countMissing(keys);
      while (this.variants.size + missing > this.limit) {
        if (!this.makeRoom()) return undefined;
        missing = this.countMissing(keys);
      }
      const own = asked.map((each, i) => this.variant(each, keys[i]));
      const index = this.freeKinds.pop() ?? this.list.length;
      kind = new RequestKind(index, own);
      this.list[index] = kind;
      this.kinds.set(key, kind);
    }
    if (!this.looked.has(kind)) {
      this.looked.add(kind);
      kind.users++;
    }
    return kind;
  }

  /** What find() has returned is looked at no more: where nothing came to use it, it is forgotten. */
  settle(): void {
    for (const kind of this.looked) this.release(kind);
    this.looked.clear();
  }

  /** One user less. */
  release(kind: RequestKind): void {
    if (--kind.users > 0 || kind.light) return;
    const keys = kind.variants.map(({ id }) => this.variantOfId[id]!.key);
    this.kinds.delete(JSON.stringify(keys));
    this.freeKinds.push(kind.index);
    for (const { id } of kind.variants) {
      const counted = this.variantOfId[id]!;
      if (--counted.kinds > 0) continue;
      this.variants.delete(counted.key);
      this.variantOfId[id] = undefined;
      this.freeIds.push(id);
    }
  }

  /** Number of distinct variants that are in use. */
  get variantCount(): number {
    return this.variants.size;
  }

  /** Throws an Error unless each is counted right. For tests. @param shapesOf kinds of all shapes */
  check(kindsOfShapes: readonly RequestKind[]): void {
    const must = (condition: boolean, what: string): void => {
      if (!condition) throw new Error(`kinds of requests: ${what}`);
    };
    const users = new Map<RequestKind, number>();
    for (const kind of [...kindsOfShapes, ...this.looked]) {
      users.set(kind, (users.get(kind) ?? 0) + 1);
    }
    const kinds = new Map<number, number>();
    for (const kind of this.kinds.values()) {
      must(kind.users === (users.get(kind) ?? 0), `${kind.index} has ${kind.users} users`);
      must(this.list[kind.index] === kind, `${kind.index} is another one`);
      must(kind.light || kind.users > 0, `${kind.index} is there for nothing`);
      for (const { id } of kind.variants) kinds.set(id, (kinds.get(id) ?? 0) + 1);
      users.delete(kind);
    }
    must(users.size === 0, "some that are used were forgotten");
    must(this.kinds.size + this.freeKinds.length === this.list.length, "indices were lost");
    for (const { variant, kinds: count } of this.variants.values()) {
      must(count === kinds.get(variant.id), `variant ${variant.id} has ${count} kinds`);
    }
    must(kinds.size === this.variants.size, "variants were lost");
    const ids = this.variants.size + this.freeIds.length + 1;
    must(ids === this.variantOfId.length && this.variants.size <= this.limit, "ids were lost");
  }

  private countMissing(keys: readonly string[]): number {
    let missing = 0;
    keys.forEach((key, i) => {
      if (!this.variants.has(key) && keys.indexOf(key) === i) missing++;
    });
    return missing;
  }

  private variant({ cpus, amounts }: RequestedAmounts, key: string): RequestVariant {
    let counted = this.variants.get(key);
    if (counted === undefined) {
      const resourceIds = amounts.map(({ name }) => this.resourceId(name));
      const large = cpus !== 1 || amounts.length > 0;
      const id = this.freeIds.pop() ?? this.variantOfId.length;
      counted = { variant: { id, cpus, amounts, resourceIds, large }, key, kinds: 0 };
      this.variantOfId[id] = counted;
      this.variants.set(key, counted);
    }
    counted.kinds++;
    return counted.variant;
  }
}

function sortedAmounts({ cpus, amounts }: RequestedAmounts): RequestedAmounts {
  return { cpus, amounts: [...amounts].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function keyOfVariant({ cpus, amounts }: RequestedAmounts): string {
  return JSON.stringify([cpus, amounts.map((a) => [a.name, a.amount, a.indices])]);
}
