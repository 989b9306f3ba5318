/**
 * The tasks of a trace as an Arrow IPC file, for pandas, Polars, DuckDB and the like. Called by the command line;
 * the library is loaded only then.
 */
import type { Trace } from "./model.js";
import { type TaskField, taskFields } from "./task-fields.js";

/** The columns are those of the CSV; what is not known is null. */
export async function arrowOf(trace: Trace): Promise<Uint8Array> {
  const { columnFromValues, dictionary, float64, int32, tableFromColumns, tableToIPC, utf8 } =
    await import("@uwdata/flechette");
  const typeOf = ({ kind }: TaskField) => {
    switch (kind) {
      case "integer":
        return int32();
      case "number":
        return float64();
      case "text":
        return utf8();
      case "name":
        return dictionary(utf8());
    }
  };
  const { count } = trace.tasks;
  const columns = taskFields(trace).map((field) => {
    const visit = (take: (value: unknown) => void): void => {
      for (let task = 0; task < count; task++) take(field.get(task) ?? null);
    };
    return [field.name, columnFromValues(visit, typeOf(field))] as const;
  });
  return tableToIPC(tableFromColumns(Object.fromEntries(columns)), { format: "file" })!;
}
