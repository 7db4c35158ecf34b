/** Rows with a number in `amount`, as numbers; and how many were left out. */
export function clean(rows) {
  const kept = rows
    .filter(({ amount }) => amount.trim() !== "" && Number.isFinite(Number(amount)))
    .map((row) => ({ ...row, amount: Number(row.amount) }));
  return { rows: kept, dropped: rows.length - kept.length };
}

/** The sum and number of amounts for each value of a column, in the order of the values. */
export function summarise(rows, column) {
  const groups = new Map();
  for (const row of rows) {
    if (!(column in row)) throw new Error(`there is no column "${column}"`);
    const { count, sum } = groups.get(row[column]) ?? { count: 0, sum: 0 };
    groups.set(row[column], { count: count + 1, sum: sum + row.amount });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, group]) => ({ value, ...group }));
}

/** What is wrong with a summary of these rows; empty when nothing is. */
export function problemsOf(rows, summary) {
  const sumOf = (list, key) => Math.round(list.reduce((sum, one) => sum + one[key], 0) * 100) / 100;
  return [
    ...(sumOf(rows, "amount") === sumOf(summary, "sum") ? [] : ["the sums differ"]),
    ...(rows.length === sumOf(summary, "count") ? [] : ["rows are missing"]),
  ];
}
