/** Buttons that do something to tasks: they ask once more, then the server, and say what came of it. */
import { element } from "../../report/page/index.js";

const SURE_MS = 4000;

/** A button that has to be pressed twice; the answer is shown beside it for people and screen readers. */
export function actionButton(
  title: string,
  act: () => Promise<string>,
  describes?: string,
): HTMLElement {
  const result = element("span", { class: "result", role: "status" });
  let isSure = false;
  let timer: number | undefined;
  const button = element("button", { type: "button", "aria-label": describes }, title);
  const reset = (): void => {
    window.clearTimeout(timer);
    isSure = false;
    button.textContent = title;
    button.classList.remove("sure");
  };
  button.addEventListener("click", async () => {
    if (!isSure) {
      isSure = true;
      button.textContent = `${title}: sure?`;
      button.classList.add("sure");
      timer = window.setTimeout(reset, SURE_MS);
      return;
    }
    reset();
    button.disabled = true;
    try {
      result.textContent = await act();
    } catch (error) {
      result.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      button.disabled = false;
    }
  });
  return element("span", { class: "action" }, button, " ", result);
}

export function cancelTaskButton(task: string): HTMLElement {
  return actionButton(
    "Cancel",
    async () => {
      const { cancelled } = await post("tasks/cancel", { tasks: [task] });
      return Number(cancelled) > 0 ? `${cancelled} cancelled` : "it is done already";
    },
    `Cancel task ${task}`,
  );
}

export function retryTaskButton(task: string): HTMLElement {
  return actionButton(
    "Retry",
    async () => `${(await post("tasks/retry", { task })).retried} open again`,
    `Retry task ${task}`,
  );
}

export function cancelPlanButton(plan: string): HTMLElement {
  return actionButton(
    "Cancel",
    async () => {
      const { cancelled } = await post("plans/cancel", { plan });
      return Number(cancelled) > 0 ? `${cancelled} cancelled` : "all of it is done";
    },
    `Cancel plan ${plan}`,
  );
}

/** The answer; rejects with what the server says is wrong. */
async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`/api/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Loom": "1" },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(String(answer.error ?? response.statusText));
  return answer;
}
