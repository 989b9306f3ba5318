// Uses matrices that other workers made; for test/cluster/extensions.test.ts.
import { defineExtension } from "hyperloom";
import { matrixType } from "./matrix.js";

export default defineExtension({
  prefix: "my",
  taskTypes: {
    sum: { run: ({ inputs }) => inputs.map((matrix) => String(matrix.unwrap().sum())) },
    double: {
      run: async ({ inputs: [matrix], value }) => value("matrix", matrix.unwrap().times(2)),
    },
  },
  dataTypes: { matrix: matrixType },
});
