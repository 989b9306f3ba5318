/**
 * What tasks ask of a worker, each distinct request once. A request has variants in order of
 * preference; a variant has a number of its own, under which workers know it. Owns these tables; what
 * a worker has free is in worker-load.ts.
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

export class RequestKinds {
  /** By kind; the first is that of light tasks. */
  readonly list: RequestKind[] = [new RequestKind(0, [])];
  private readonly kinds = new Map<string, RequestKind>([["[]", this.list[0]]]);
  private readonly variants = new Map<string, RequestVariant>();
  private readonly resources = new Map<string, number>();

  /** Number of the named resource; made when it is new. */
  resourceId(name: string): number {
    let id = this.resources.get(name);
    if (id === undefined) {
      id = this.resources.size;
      this.resources.set(name, id);
    }
    return id;
  }

  /** The kind with these variants; made when it is new. */
  find(variants: readonly RequestedAmounts[]): RequestKind {
    const own = variants.map((variant) => this.variant(variant));
    const key = JSON.stringify(own.map(({ id }) => id));
    let kind = this.kinds.get(key);
    if (kind === undefined) {
      kind = new RequestKind(this.list.length, own);
      this.list.push(kind);
      this.kinds.set(key, kind);
    }
    return kind;
  }

  /** Number of distinct variants: their ids are 1 to this. */
  get variantCount(): number {
    return this.variants.size;
  }

  private variant({ cpus, amounts }: RequestedAmounts): RequestVariant {
    const sorted = [...amounts].sort((a, b) => (a.name < b.name ? -1 : 1));
    const key = JSON.stringify([cpus, sorted.map((a) => [a.name, a.amount, a.indices])]);
    let variant = this.variants.get(key);
    if (variant === undefined) {
      const resourceIds = sorted.map(({ name }) => this.resourceId(name));
      const large = cpus !== 1 || sorted.length > 0;
      variant = { id: this.variants.size + 1, cpus, amounts: sorted, resourceIds, large };
      this.variants.set(key, variant);
    }
    return variant;
  }
}
