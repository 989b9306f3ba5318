/** The connection to the server's events: opens it, again when it was lost, and says how it is. */
import type { StateEvent } from "../event-streams.js";
import type { TasksEvent } from "../live-events.js";

const RETRY_MS = 1000;
/** Without an event for so long something is wrong, though the connection stands. */
const SILENT_MS = 10_000;

export interface LiveListener {
  state(event: StateEvent): void;
  tasks(event: TasksEvent): void;
  missed(ticks: number): void;
  connection(isThere: boolean): void;
}

/** @returns ends it */
export function listenToEvents(listener: LiveListener): () => void {
  let source: EventSource | undefined;
  let retry: number | undefined;
  let silence: number | undefined;
  const heard = (): void => {
    window.clearTimeout(silence);
    silence = window.setTimeout(lost, SILENT_MS);
  };
  const lost = (): void => {
    source?.close();
    source = undefined;
    window.clearTimeout(silence);
    window.clearTimeout(retry);
    listener.connection(false);
    retry = window.setTimeout(open, RETRY_MS);
  };
  const on = <T>(name: string, take: (event: T) => void): void => {
    source?.addEventListener(name, (event) => {
      heard();
      take(JSON.parse((event as MessageEvent<string>).data) as T);
    });
  };
  const open = (): void => {
    source = new EventSource("/api/v1/events");
    // Not the browser's own attempts: it gives up for ever at some answers.
    source.addEventListener("error", lost);
    source.addEventListener("open", () => listener.connection(true));
    on("state", listener.state);
    on("tasks", listener.tasks);
    on<{ ticks: number }>("missed", ({ ticks }) => listener.missed(ticks));
    heard();
  };
  open();
  return () => {
    window.clearTimeout(retry);
    window.clearTimeout(silence);
    source?.close();
  };
}
