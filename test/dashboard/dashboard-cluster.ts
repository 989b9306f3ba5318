/** A real cluster with an HTTP port, as `TestCluster` starts it, and requests to that port. */
import { request } from "node:http";
import { TestCluster } from "../cluster/test-cluster.js";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are checked by the tests that read them
  readonly json: any;
}

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  /** An object: as JSON, with its content type. */
  body?: object | string;
}

/** Not fetch(): it does not let a test choose the Host and other headers. */
export function ask(
  url: string,
  { method = "GET", headers = {}, body }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isJson = typeof body === "object";
    const sent = request(
      url,
      {
        method,
        headers: { ...(isJson ? { "Content-Type": "application/json" } : {}), ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("error", reject);
        response.on("end", () => {
          const isJsonAnswer = String(response.headers["content-type"]).includes("json");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJsonAnswer ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(isJson ? JSON.stringify(body) : body);
  });
}

export class DashboardCluster implements AsyncDisposable {
  private constructor(
    readonly cluster: TestCluster,
    readonly url: string,
  ) {}

  static async start(workers: number, cpus: number): Promise<DashboardCluster> {
    const cluster = await TestCluster.start({ workers, cpus });
    const { dashboard } = await cluster.client.status();
    if (dashboard === undefined) throw new Error("the server has no HTTP port");
    return new DashboardCluster(cluster, dashboard);
  }

  get client(): TestCluster["client"] {
    return this.cluster.client;
  }

  get(path: string): Promise<Answer> {
    return ask(`${this.url}${path}`);
  }

  post(path: string, body: object): Promise<Answer> {
    return ask(`${this.url}${path}`, { method: "POST", body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}
