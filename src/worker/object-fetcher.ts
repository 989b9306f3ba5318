/**
 * Gets objects from other workers, as the core asks. Owns the addresses of the workers and
 * a PeerClient for each that was asked for something. Which holder and how many at once is
 * the core's affair.
 */
import type { Logger } from "pino";
import { LoomError, messageOf } from "../base/index.js";
import {
  copyBytes,
  type DataObject,
  FileNotHereError,
  fromNative,
  type ValueTypes,
} from "../object-store/index.js";
import { formatAddress, PeerClient, type PeerGetOptions } from "../transport/index.js";
import type { ObjectFetch } from "../worker-core/index.js";
import type { Traffic } from "./sampler.js";
import type { FetchStarter } from "./task-runner-options.js";

/** Told how fetches ended. */
export interface FetchListener {
  objectArrived(fetch: ObjectFetch, object: DataObject): void;
  fetchFailed(fetch: ObjectFetch): void;
}

export class ObjectFetcher implements FetchStarter {
  private readonly peers = new Map<number, PeerClient>();
  private readonly active = new Map<ObjectFetch, AbortController>();

  constructor(
    private readonly listener: FetchListener,
    private readonly logger: Logger,
    /** Values of these can be used here. */
    private readonly valueTypes: ValueTypes,
    /** Counts what comes. */
    private readonly traffic: Traffic = { sentBytes: 0, receivedBytes: 0 },
  ) {}

  /** Worker `index` serves its objects at host:port; port 0: it is gone, its fetches fail now. */
  setPeer(index: number, host: string, port: number): void {
    const known = this.peers.get(index);
    if (known?.host === host && known.port === port) return;
    known?.close();
    if (port === 0) this.peers.delete(index);
    else this.peers.set(index, new PeerClient(host, port));
  }

  start(fetch: ObjectFetch): void {
    const controller = new AbortController();
    this.active.set(fetch, controller);
    void this.run(fetch, controller.signal);
  }

  abort(fetch: ObjectFetch): void {
    this.active.get(fetch)?.abort();
    this.active.delete(fetch);
  }

  /** Closes all connections; nothing is reported afterwards. */
  close(): void {
    this.active.clear();
    for (const peer of this.peers.values()) peer.close();
    this.peers.clear();
  }

  private async run(fetch: ObjectFetch, signal: AbortSignal): Promise<void> {
    const { row, holder } = fetch;
    let object: DataObject | undefined;
    try {
      object = await this.get(fetch, signal);
      if (object === undefined) this.logger.info({ row, holder }, "object is not at its holder");
    } catch (error) {
      if (!signal.aborted) {
        this.logger.warn({ row, holder }, `object not fetched: ${messageOf(error)}`);
      }
    }
    if (!this.active.delete(fetch)) return;
    if (object === undefined) this.listener.fetchFailed(fetch);
    else this.listener.objectArrived(fetch, object);
  }

  private async get(fetch: ObjectFetch, signal: AbortSignal): Promise<DataObject | undefined> {
    const { row, holder, sizeBytes } = fetch;
    const peer = this.peers.get(holder);
    if (peer === undefined) {
      throw new LoomError(
        "protocol",
        `worker ${holder} is gone, or the server did not say where it is`,
      );
    }
    try {
      return await this.getFrom(peer, row, { sizeBytes, signal });
    } catch (error) {
      if (!(error instanceof FileNotHereError)) throw error;
      const from = formatAddress(peer.host, peer.port);
      this.logger.info({ row, path: error.path, from }, `${error.message}; getting its content`);
      return await this.getFrom(peer, row, { sizeBytes, signal, content: true });
    }
  }

  private async getFrom(
    peer: PeerClient,
    row: number,
    options: PeerGetOptions,
  ): Promise<DataObject | undefined> {
    const found = await peer.get(row, options);
    if (found === undefined) return undefined;
    const { header, body } = found;
    this.traffic.receivedBytes += header.length + body.length;
    // A small body is a view of what the socket read: it must not keep all that alive.
    const own = body.buffer.byteLength > 2 * body.length ? copyBytes(body) : body;
    return fromNative(header, own, this.valueTypes);
  }
}
