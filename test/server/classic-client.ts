/**
 * A client of wire version 2, as docs/wire-v2.md describes it: generated code on a plain socket.
 * Uses neither our Client nor our transport, so that it checks the server independently.
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ClientRequest_Type as Ask,
  ClientRequestSchema,
  type ClientResponse,
  ClientResponse_Type,
  ClientResponseSchema,
  Register_Type,
  RegisterSchema,
} from "../../src/protocol/generated/loom_pb.js";
import { within } from "./deadline.js";
import { FrameSocket } from "./frame-socket.js";
import { PlanBuilder } from "./plan-builder.js";

export { ClientResponse_Type as Answer } from "../../src/protocol/generated/loom_pb.js";
export { Ask };

const Answer = ClientResponse_Type;

/** A response with the raw frames that belong to it. */
export interface Received {
  readonly message: ClientResponse;
  readonly frames: readonly Buffer[];
}

/** A fetched object: the text or bytes of a plain one, a list for an array. */
export type Value = string | readonly Value[];

type Request = MessageInitShape<typeof ClientRequestSchema>;

export class ClassicClient {
  /** The server's dictionary. */
  symbols: readonly string[] = [];
  /** Id of the next task. */
  nextId = 0;
  socket!: FrameSocket;
  /** What has been received and not been taken. */
  private received: Received[] = [];
  private readonly waiting = new Set<() => void>();
  /** One line for everything that was sent or received, for dumps. */
  private readonly history: string[] = [];
  private incomplete: { message: ClientResponse; frames: Buffer[]; count: number } | undefined;

  private constructor(readonly port: number) {}

  /** Connects, registers, reads the dictionary. */
  static async connect(port: number, options: { features?: number } = {}): Promise<ClassicClient> {
    const client = await ClassicClient.connectOnly(port);
    client.register({ clientFeatures: options.features });
    const dictionary = await client.take(Answer.DICTIONARY);
    client.symbols = dictionary.message.symbols;
    return client;
  }

  /** Connects and sends nothing. */
  static async connectOnly(port: number, stayOpen = false): Promise<ClassicClient> {
    const client = new ClassicClient(port);
    client.socket = await FrameSocket.open(
      port,
      (frame) => client.frame(frame),
      () => client.changed("the connection has ended"),
      stayOpen,
    );
    return client;
  }

  register(init: MessageInitShape<typeof RegisterSchema> = {}): void {
    const message = { protocolVersion: 2, type: Register_Type.CLIENT, ...init };
    this.socket.sendFrame(toBinary(RegisterSchema, create(RegisterSchema, message)));
  }

  /** Number of a symbol. */
  readonly symbol = (name: string): number => {
    const number = this.symbols.indexOf(name);
    if (number < 0) throw new Error(`no symbol ${name} in ${this.symbols.join(" ")}`);
    return number;
  };

  send(request: Request): void {
    this.history.push(`> ${Ask[request.type!]} ${request.id ?? ""}`);
    this.socket.sendFrame(toBinary(ClientRequestSchema, create(ClientRequestSchema, request)));
  }

  plan(): PlanBuilder {
    return new PlanBuilder(this.nextId, this.symbol);
  }

  submit(plan: PlanBuilder, options: { loadCheckpoints?: boolean } = {}): void {
    this.nextId = plan.idBase + plan.taskCount;
    this.send({ type: Ask.PLAN, plan: plan.build(), ...options });
  }

  /** Submits, then waits until all results are finished. */
  async run(plan: PlanBuilder, options: { loadCheckpoints?: boolean } = {}): Promise<void> {
    this.submit(plan, options);
    for (const id of plan.resultIds) await this.finished(id);
  }

  /** Waits until the result is finished. Fails at once when a task fails or a request is refused. */
  async finished(id: number): Promise<void> {
    const { message } = await this.takeIf(
      ({ message }) =>
        (message.type === Answer.TASK_FINISHED && message.id === id) || isBadNews(message),
      `TASK_FINISHED ${id}`,
    );
    if (isBadNews(message)) throw new Error(`${Answer[message.type]}: ${message.error?.errorMsg}`);
  }

  /** The next TASK_FAILED. */
  async failed(): Promise<{ id: number; worker: string; message: string }> {
    const { message } = await this.take(Answer.TASK_FAILED);
    const { id, worker, errorMsg } = message.error!;
    return { id, worker, message: errorMsg };
  }

  /** The next ERROR. */
  async error(): Promise<{ id: number; message: string }> {
    const { message } = await this.take(Answer.ERROR);
    return { id: message.error!.id, message: message.error!.errorMsg };
  }

  /** FETCH: the object as texts. */
  async fetch(id: number): Promise<Value> {
    const { message, frames } = await this.fetchFrames(id);
    const rest = [...frames];
    const value = this.readObject(message.data!.typeId, rest);
    if (rest.length > 0) throw new Error(`${rest.length} frames too many for ${id}`);
    return value;
  }

  /** FETCH: header and raw frames as they came. */
  async fetchFrames(id: number): Promise<Received> {
    this.send({ type: Ask.FETCH, id });
    const received = await this.takeIf(
      ({ message }) => message.type === Answer.DATA || message.type === Answer.ERROR,
      `DATA ${id}`,
    );
    const { data, error } = received.message;
    if (data === undefined) throw new Error(`ERROR: ${error?.errorMsg}`);
    if (data.id !== id) throw new Error(`DATA of ${data.id} came for ${id}`);
    return received;
  }

  /** Submits one task with its result wanted; waits for it and fetches it. Does not release. */
  async evaluate(build: (plan: PlanBuilder) => number): Promise<Value> {
    const plan = this.plan();
    const id = build(plan);
    await this.run(plan);
    return this.fetch(id);
  }

  release(...ids: number[]): void {
    for (const id of ids) this.send({ type: Ask.RELEASE, id });
  }

  /** STATS; also shows that everything sent before has been handled. */
  async stats(): Promise<{ workers: number; objects: number; tasks: number; clients: number }> {
    this.send({ type: Ask.STATS });
    const { message } = await this.take(Answer.STATS);
    const { nWorkers, nDataObjects, nTasks, nClients } = message.stats!;
    return { workers: nWorkers, objects: nDataObjects, tasks: nTasks, clients: nClients };
  }

  take(type: ClientResponse_Type): Promise<Received> {
    return this.takeIf(({ message }) => message.type === type, Answer[type]);
  }

  /** The first response received, now or later, that fits; others stay. */
  async takeIf(fits: (received: Received) => boolean, what: string): Promise<Received> {
    for (;;) {
      const at = this.received.findIndex(fits);
      if (at >= 0) return this.received.splice(at, 1)[0];
      if (this.socket.isClosed) {
        throw new Error(`waiting for ${what}: the connection has ended\n${this.dump()}`);
      }
      await this.nextChange(what);
    }
  }

  /** Resolves when there is an answer of the type, or the connection has ended. */
  async untilAnswered(type: ClientResponse_Type): Promise<void> {
    while (this.untaken(type).length === 0 && !this.socket.isClosed) {
      await this.nextChange(Answer[type]);
    }
  }

  /** Everything of a type that has been received and not been taken. */
  untaken(type?: ClientResponse_Type): readonly ClientResponse[] {
    return this.received
      .map(({ message }) => message)
      .filter((message) => type === undefined || message.type === type);
  }

  /** Resolves when the server has closed the connection. */
  async closedByServer(): Promise<void> {
    await within(this.socket.closed, "waiting for the server to close the connection", () =>
      this.dump(),
    );
  }

  close(): void {
    this.socket.destroy();
  }

  dump(): string {
    return `client: ${this.history.slice(-60).join("\n        ")}`;
  }

  private frame(frame: Buffer): void {
    if (this.incomplete === undefined) {
      const message = fromBinary(ClientResponseSchema, frame);
      const count =
        message.type === Answer.DATA
          ? Number(message.data!.nMessages)
          : message.type === Answer.CHUNK
            ? 1
            : 0;
      this.incomplete = { message, frames: [], count };
    } else {
      this.incomplete.frames.push(frame);
    }
    const { message, frames, count } = this.incomplete;
    if (frames.length < count) return;
    this.incomplete = undefined;
    this.received.push({ message, frames });
    const text = message.error === undefined ? `${message.id || ""}` : message.error.errorMsg;
    this.changed(`${Answer[message.type]} ${text}`);
  }

  private changed(what: string): void {
    this.history.push(`< ${what}`);
    for (const wake of this.waiting) wake();
  }

  private async nextChange(what: string): Promise<void> {
    let wake = () => {};
    const change = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.waiting.add(wake);
    try {
      await within(change, `waiting for ${what}`, () => this.dump());
    } finally {
      this.waiting.delete(wake);
    }
  }

  private readObject(typeId: number, frames: Buffer[]): Value {
    const first = frames.shift();
    if (first === undefined) throw new Error("a frame is missing");
    if (typeId === this.symbol("loom/data")) return first.toString();
    if (typeId !== this.symbol("loom/array")) throw new Error(`unexpected type ${typeId}`);
    const types: number[] = [];
    for (let at = 0; at < first.length; at += 4) types.push(first.readUInt32LE(at));
    return types.map((type) => this.readObject(type, frames));
  }
}

function isBadNews(message: ClientResponse): boolean {
  return message.type === Answer.TASK_FAILED || message.type === Answer.ERROR;
}
