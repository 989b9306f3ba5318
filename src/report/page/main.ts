/** The report's page: inflates the data in the file and shows them. */
import { decodePayload } from "../payload.js";
import { element } from "./dom.js";
import { mountViews } from "./mount-views.js";

/** Characters of base64 that are decoded at a time; a multiple of 4. */
const PIECE = 2 ** 20;

async function show(root: HTMLElement): Promise<void> {
  root.append(element("p", { class: "loading", role: "status" }, "Reading the data …"));
  const holder = document.getElementById("data");
  if (holder === null) throw new Error("there are no data in this file");
  const bytes = await inflated(holder.textContent ?? "");
  holder.remove();
  mountViews(root, decodePayload(bytes));
  document.documentElement.dataset.ready = "";
}

async function inflated(base64: string): Promise<Uint8Array> {
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let at = 0; at < base64.length; at += PIECE) {
        controller.enqueue(decoded(base64.slice(at, at + PIECE)));
      }
      controller.close();
    },
  });
  const plain = pieces.pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const root = document.getElementById("views") ?? document.body;
show(root).catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  const text = `The report cannot be shown: ${reason}. It needs a browser of 2023 or later (Chrome 110, Firefox 113, Safari 16.4).`;
  root.replaceChildren(element("p", { class: "loading", role: "alert" }, text));
  console.error(error);
});
