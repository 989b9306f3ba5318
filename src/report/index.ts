/** Room `report`: a trace → a self-contained HTML file. Code for browsers enters through page/index.ts. */
export { buildReport, REPORT_MARK, type ReportOptions } from "./build-report.js";
