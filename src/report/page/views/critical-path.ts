/** The critical path: where its time went, and its steps. */
import type { PathCause } from "../../analysis/index.js";
import { element, table } from "../dom.js";
import { formatAt, formatMs, plural } from "../format.js";
import type { Section } from "../section.js";
import { shareBar } from "../share-bar.js";
import { taskLink } from "../task-link.js";
import type { ViewContext } from "../view-context.js";
import { contentSection } from "./content-section.js";

/** The last ones; a path may have as many steps as there are tasks. */
const MAX_STEPS = 200;

const CAUSES: readonly [PathCause, name: string, colour: string, hint: string][] = [
  ["run", "running", "#0072b2", "its tasks ran"],
  ["cores", "waiting for a core", "#cc79a7", "the next task was on no worker, cores were busy"],
  ["transfer", "transfers", "#56b4e9", "the input was on its way to the next task"],
  ["scheduling", "scheduling", "#d55e00", "the next task was on no worker, cores were idle"],
  ["report", "reports", "#999933", "the server did not know yet that the input was finished"],
  ["start", "starting", "#e69f00", "the next task had all it needs"],
  ["submission", "submission", "#999999", "nothing was submitted yet"],
];

const WAITED_FOR = { input: "its input", core: "its core", submission: "its submission" };

export const criticalPathView: Section = contentSection(
  {
    id: "critical-path",
    title: "Critical path",
    hint: "Back from the task that finished last: at each step what held it up longest, its last input or the task before on its core. To end earlier, something here has to be shorter.",
  },
  (context) => {
    const { steps, totals } = context.analyses.path;
    if (steps.length === 0) return [element("p", { class: "note" }, "No task has finished.")];
    const shares = CAUSES.map(([cause, name, colour, hint]) => ({
      ...{ name, colour, hint },
      value: totals[cause],
    }));
    const shown = steps.slice(-MAX_STEPS).reverse();
    const rows = shown.map((step) => {
      const last = step.spans[step.spans.length - 1];
      const waits = step.spans.filter(({ cause }) => cause !== "run");
      return [
        taskLink(context, step.task),
        formatAt(last.fromMs),
        formatMs(last.toMs - last.fromMs),
        WAITED_FOR[step.waitedFor],
        formatMs(waits.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)),
        waits
          .map(({ cause, fromMs, toMs }) => `${nameOf(cause)} ${formatMs(toMs - fromMs)}`)
          .join(", "),
      ];
    });
    const head = ["task", "started", "ran", "came after", "waited", "of which"];
    const more =
      steps.length > MAX_STEPS ? `, the last ${MAX_STEPS} of ${plural(steps.length, "step")}` : "";
    return [
      shareBar("Time on the critical path", shares, formatMs),
      element("h3", {}, `Steps, the last one first${more}`),
      element("div", { class: "scroll" }, table(head, rows, new Set([1, 2, 4]))),
      zoomButton(context),
    ];
  },
);

function nameOf(cause: PathCause): string {
  return CAUSES.find(([known]) => known === cause)?.[1] ?? cause;
}

/** The last task, as the time line shows it. */
function zoomButton(context: ViewContext): HTMLElement {
  const { steps } = context.analyses.path;
  const last = steps[steps.length - 1];
  const show = (): void => {
    const [first, end] = [last.spans[0].fromMs, last.spans[last.spans.length - 1].toMs];
    const room = (end - first) * 0.2;
    context.setRange({ fromMs: first - room, toMs: end + room });
    context.selectTask(last.task);
  };
  return element("button", { type: "button", click: show }, "Show the last step in the time line");
}
