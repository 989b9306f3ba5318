/**
 * The graph of tasks: a node for each label, which opens into its tasks if there are few. Layout is dagre's, the
 * drawing SVG. Owns which labels are open.
 */
import { Graph, layout } from "@dagrejs/dagre";
import { type GraphNode, type LabelGraph, labelGraph } from "../../analysis/index.js";
import { element, svg } from "../dom.js";
import { taskName } from "../filter.js";
import { formatCount, plural, shortened } from "../format.js";
import { aboutTasks } from "../node-text.js";
import type { Section, SectionView } from "../section.js";
import { labelMark } from "../task-link.js";
import type { ViewContext } from "../view-context.js";

/** A label with more tasks does not open. */
const MAX_OPEN = 100;
/** Layout takes too long, and nobody sees through more. */
const MAX_NODES = 400;
const MAX_EDGES = 2000;
const MAX_NAME = 26;

export const graph: Section = {
  id: "graph",
  title: "Graph",
  hint: `A node for all tasks of a label; arrows are inputs. Click a node with at most ${MAX_OPEN} tasks to see each of them, a task to see its details. Ctrl + wheel zooms, dragging moves.`,
  mount: (host, context) => new GraphView(host, context),
};

interface Placed {
  readonly graph: LabelGraph;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly { x: number; y: number; width: number; height: number }[];
  readonly edges: readonly { points: readonly { x: number; y: number }[]; inputs: number }[];
}

class GraphView implements SectionView {
  private readonly open = new Set<number>();
  private readonly bar = element("div", { class: "controls" });
  private readonly picture = element("div", { class: "graph" });
  private readonly unselect: () => void;
  /** x, y, width, height of what is in sight. */
  private box = [0, 0, 1, 1];
  /** The user has moved or zoomed it. */
  private isMoved = false;

  constructor(
    private readonly host: HTMLElement,
    private readonly context: ViewContext,
  ) {
    host.append(this.bar, this.picture);
    this.unselect = context.on("selection", () => this.markSelected());
    this.update();
  }

  update(): void {
    const { data, mask } = this.context;
    this.bar.replaceChildren(...this.openLabels());
    const graph = labelGraph(data, this.open, mask);
    if (graph.nodes.length === 0) {
      this.picture.replaceChildren(element("p", { class: "note" }, "No tasks."));
      return;
    }
    if (graph.nodes.length > MAX_NODES || graph.edges.length > MAX_EDGES) {
      const size = `${plural(graph.nodes.length, "node")} and ${plural(graph.edges.length, "edge")}`;
      this.picture.replaceChildren(
        element("p", { class: "note" }, `${size} are too many to draw. Filter labels at the top.`),
      );
      return;
    }
    this.draw(this.place(graph));
  }

  destroy(): void {
    this.unselect();
    this.host.replaceChildren();
  }

  private openLabels(): HTMLElement[] {
    const zoom = (text: string, name: string, factor: number): HTMLElement =>
      element(
        "button",
        { type: "button", "aria-label": name, click: () => this.zoom(factor) },
        text,
      );
    return [
      zoom("+", "Zoom in", 0.7),
      zoom("−", "Zoom out", 1 / 0.7),
      element("button", { type: "button", click: () => this.fit() }, "Fit"),
      ...[...this.open].map((label) =>
        element(
          "button",
          { type: "button", class: "chip", title: "Close again", click: () => this.toggle(label) },
          labelMark(this.context, label),
          " ✕",
        ),
      ),
    ];
  }

  private toggle(label: number): void {
    if (!this.open.delete(label)) this.open.add(label);
    this.fit();
  }

  private fit(): void {
    this.isMoved = false;
    this.update();
  }

  private place(graph: LabelGraph): Placed {
    const plan = new Graph().setGraph({
      rankdir: "LR",
      nodesep: 14,
      ranksep: 56,
      marginx: 8,
      marginy: 8,
    });
    plan.setDefaultEdgeLabel(() => ({}));
    graph.nodes.forEach((node, i) => {
      plan.setNode(
        String(i),
        node.task === -1 ? { width: 196, height: 46 } : { width: 170, height: 24 },
      );
    });
    for (const { from, to } of graph.edges) plan.setEdge(String(from), String(to));
    layout(plan);
    const { width = 1, height = 1 } = plan.graph() as { width?: number; height?: number };
    return {
      graph,
      width,
      height,
      nodes: graph.nodes.map((_, i) => plan.node(String(i)) as Placed["nodes"][number]),
      edges: graph.edges.map(({ from, to, inputs }) => ({
        points: (plan.edge(String(from), String(to)) as Placed["edges"][number]).points,
        inputs,
      })),
    };
  }

  private draw(placed: Placed): void {
    const { graph, nodes, edges, width, height } = placed;
    const shownHeight = Math.max(120, Math.min(560, height));
    const drawing = svg(
      "svg",
      { class: "graph-svg", width: "100%", height: shownHeight, role: "group" },
      svg(
        "defs",
        {},
        svg(
          "marker",
          {
            ...{ id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, orient: "auto" },
            ...{ markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse" },
          },
          svg("path", { d: "M0 0 8 4 0 8Z", class: "arrow" }),
        ),
      ),
      ...edges.map(({ points, inputs }) => edgeShape(points, inputs)),
      ...nodes.map((node, i) => this.nodeShape(graph.nodes[i], node)),
    );
    this.picture.replaceChildren(drawing);
    if (!this.isMoved) {
      // Not larger than it is: a graph of two nodes does not fill the page.
      const shownWidth = Math.max(this.picture.clientWidth, 1);
      const scale = Math.max(1, width / shownWidth, height / shownHeight);
      this.box = [0, 0, shownWidth * scale, shownHeight * scale];
      this.box[0] = (width - this.box[2]) / 2;
      this.box[1] = (height - this.box[3]) / 2;
    }
    this.showBox();
    drawing.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.dragToMove(drawing);
    this.markSelected();
  }

  private nodeShape(node: GraphNode, { x, y, width, height }: Placed["nodes"][number]): SVGElement {
    const { context } = this;
    const isTask = node.task !== -1;
    const name = isTask ? taskName(context.data, node.task) : context.data.labels[node.label];
    const canOpen = !isTask && node.tasks <= MAX_OPEN;
    const inner = node.inner === 0 ? "" : ` ↻ ${formatCount(node.inner)}`;
    const about = isTask ? `#${context.data.tasks.id[node.task]}` : aboutTasks(node);
    const act = (): void => {
      if (isTask) context.selectTask(node.task);
      else if (canOpen) this.toggle(node.label);
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act();
    };
    const { hex } = context.colourOf(node.label);
    return svg(
      "g",
      {
        class: `node${node.failed > 0 ? " failed" : ""}${isTask || canOpen ? " active" : ""}`,
        transform: `translate(${x - width / 2} ${y - height / 2})`,
        tabindex: isTask || canOpen ? 0 : undefined,
        role: isTask || canOpen ? "button" : undefined,
        "data-task": isTask ? node.task : undefined,
        click: act,
        keydown: key,
      },
      svg(
        "title",
        {},
        `${name}\n${about}${inner === "" ? "" : `\n${plural(node.inner, "input")} from the same label`}`,
      ),
      svg("rect", { width, height, rx: 4, class: "node-box" }),
      svg("rect", { width: 6, height, rx: 2, fill: hex }),
      svg("text", { x: 12, y: isTask ? 16 : 19 }, shortened(name, MAX_NAME)),
      !isTask && svg("text", { x: 12, y: 36, class: "more" }, shortened(`${about}${inner}`, 30)),
    );
  }

  private markSelected(): void {
    const { selectedTask } = this.context;
    for (const node of this.picture.querySelectorAll(".node[data-task]")) {
      node.classList.toggle("selected", node.getAttribute("data-task") === String(selectedTask));
    }
  }

  private zoom(factor: number, at = { x: 0.5, y: 0.5 }): void {
    const [x, y, width, height] = this.box;
    const share = 1 - factor;
    this.isMoved = true;
    this.box = [
      x + width * at.x * share,
      y + height * at.y * share,
      width * factor,
      height * factor,
    ];
    this.showBox();
  }

  private showBox(): void {
    this.picture.querySelector("svg")?.setAttribute("viewBox", this.box.join(" "));
  }

  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top, width, height } = this.picture.getBoundingClientRect();
    const at = { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
    this.zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, at);
  }

  private dragToMove(drawing: SVGElement): void {
    drawing.addEventListener("pointermove", (event: PointerEvent) => {
      if (event.buttons !== 1) return;
      const scale = this.box[2] / Math.max(1, drawing.clientWidth);
      this.isMoved = true;
      this.box[0] -= event.movementX * scale;
      this.box[1] -= event.movementY * scale;
      this.showBox();
    });
  }
}

function edgeShape(points: readonly { x: number; y: number }[], inputs: number): SVGElement {
  const path = points.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
  return svg(
    "path",
    {
      ...{ d: path.join(""), class: "edge", "marker-end": "url(#arrow)" },
      "stroke-width": Math.min(5, 1 + Math.log10(inputs) * 0.8).toFixed(2),
    },
    svg("title", {}, plural(inputs, "input")),
  );
}
