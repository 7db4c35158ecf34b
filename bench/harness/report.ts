import { type Line, type Outcome, verdictOn } from "./benchmark.js";

/** A table for a terminal: one row for each figure, with its peer, what it is to that, and whether that is enough. */
export function tableOf(title: string, { lines, notes, profiles = [] }: Outcome): string {
  const head = ["", "value", "peer", "ratio", "target", ""];
  const rows = [head, ...lines.map(rowOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const text = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  const where = profiles.flatMap(({ of, unitUs, functions, statements, logPages }) => [
    `Where the time goes: ${of}, ${unitUs.toFixed(0)} µs`,
    ...(logPages ? [`  ${logPages.engine} pages of the log each, the raw peer ${logPages.raw}`] : []),
    ...functions.slice(0, 8).map(({ what, us }) => `  ${us.toFixed(1).padStart(7)} µs  ${what}`),
    ...statements.slice(0, 8).map(({ what, us }) => `  ${us.toFixed(1).padStart(7)} µs  ${what}`),
  ]);
  return [`\n${title}`, ...text, ...notes.map((note) => `  ${note}`), ...where].join("\n");
}

function rowOf(line: Line): string[] {
  const { what, value, unit, peer, ratio, target } = line;
  return [
    `  ${what}`,
    `${numeral(value)} ${unit}`.trimEnd(),
    peer === undefined ? "" : `${peer.name} ${numeral(peer.value)}`,
    ratio === undefined ? "" : `${ratio.toFixed(2)}×`,
    target === undefined
      ? ""
      : `${target.at === "most" ? "≤" : "≥"} ${target.limit}${target.of === "ratio" ? "×" : ""}`,
    verdictOn(line) ?? "",
  ];
}

function numeral(value: number): string {
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
