/**
 * The connections of the server: takes the first frame of each one, which says what it is, then hands it
 * to a client or worker session. What goes wrong on one ends it, and nothing else.
 */
import { LoomError, messageOf, ProtocolError } from "../base/index.js";
import {
  ClientResponseType,
  decodeRegister,
  encodeClientResponse,
  RegisterType,
} from "../protocol/index.js";
import type { Connection, ConnectionHandler } from "../transport/index.js";
import { ClientLink } from "./client-link.js";
import { ClientSession } from "./client-session.js";
import type { LoomServer } from "./loom-server.js";
import { ObservedSession } from "./observed-session.js";
import { registerWorker, WorkerSession } from "./worker-session.js";

/** No frame is longer: plans of some tens of millions of tasks, batches of workers. */
const MAX_MESSAGE_BYTES = 2 ** 31;
/** Wire version of the client protocol. */
const PROTOCOL_VERSION = 2;

export class Connections {
  private readonly open = new Set<Connection>();
  private nextHandle = 0;
  private nextWorker = 0;

  constructor(private readonly server: LoomServer) {}

  closeAll(): void {
    for (const connection of this.open) connection.close();
  }

  /** A new connection: its first frame says what it is. */
  accept(connection: Connection): ConnectionHandler {
    this.open.add(connection);
    let session: ClientSession | WorkerSession | undefined;
    return {
      frame: (frame) => {
        if (session !== undefined) {
          this.deliver(connection, session, frame);
          return;
        }
        try {
          session = this.register(connection, frame);
        } catch (error) {
          this.refuse(connection, session, error);
        }
      },
      malformed: (error) => this.refuse(connection, session, error),
      closed: (error) => {
        this.open.delete(connection);
        if (error !== undefined) this.server.logger.info(`${connection.remote}: ${error.message}`);
        session?.closed(error);
      },
    };
  }

  /** Hands a frame to its session; what the session throws ends this connection only. */
  deliver(connection: Connection, session: ClientSession | WorkerSession, frame: Uint8Array): void {
    try {
      session.frame(frame);
    } catch (error) {
      this.refuse(connection, session, error);
    }
  }

  /** Says why, then closes; nothing else is affected. */
  private refuse(
    connection: Connection,
    session: ClientSession | WorkerSession | undefined,
    error: unknown,
  ): void {
    const known = error instanceof LoomError;
    if (!known)
      this.server.logger.error({ err: error }, `internal error, ${connection.remote} is closed`);
    else this.server.logger.warn(`${connection.remote} is closed: ${error.message}`);
    const message = known ? error.message : `internal error of the server: ${messageOf(error)}`;
    if (!(session instanceof WorkerSession)) {
      connection.send(
        encodeClientResponse({ type: ClientResponseType.ERROR, error: { errorMsg: message } }),
      );
    }
    connection.close();
    // The peer may take its time to hang up: what it held and executed is let go now.
    session?.closed(error instanceof Error ? error : undefined);
  }

  private register(connection: Connection, frame: Uint8Array): ClientSession | WorkerSession {
    const register = decodeRegister(frame);
    if (register.protocolVersion !== PROTOCOL_VERSION) {
      throw new ProtocolError(
        `protocol version ${register.protocolVersion} is not supported, this server speaks version ${PROTOCOL_VERSION}`,
      );
    }
    connection.setMaxFrameBytes(MAX_MESSAGE_BYTES);
    const { server } = this;
    if (register.type === RegisterType.WORKER) {
      const link = registerWorker(server, connection, register, this.nextWorker);
      this.nextWorker++;
      server.workerJoined(link);
      const session = new WorkerSession(server, link);
      session.observed = new ObservedSession(server, link);
      return session;
    }
    const link = new ClientLink(this.nextHandle++, connection, register.clientFeatures);
    server.clientJoined(link);
    return new ClientSession(server, link);
  }
}
