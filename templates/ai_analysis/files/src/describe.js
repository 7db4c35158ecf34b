/** What there is in each column of a table: of numbers their range, mean and deviation, of texts how many there are. */
export function describe(rows) {
  const names = Object.keys(rows[0] ?? {});
  return { rows: rows.length, columns: names.map((name) => column(name, rows.map((row) => row[name]))) };
}

function column(name, values) {
  const given = values.filter((value) => value.trim() !== "");
  const missing = values.length - given.length;
  const numbers = given.map(Number);
  if (given.length === 0 || numbers.some(Number.isNaN)) {
    return { name, kind: "text", missing, distinct: new Set(given).size };
  }
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  const round = (value) => Math.round(value * 1000) / 1000;
  return {
    name,
    kind: "number",
    missing,
    min: Math.min(...numbers),
    max: Math.max(...numbers),
    mean: round(mean),
    deviation: round(Math.sqrt(variance)),
  };
}
