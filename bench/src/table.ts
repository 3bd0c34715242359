/** Prints rows as a Markdown table, numbers to the right. */
export function printTable(title: string, rows: readonly Record<string, string | number>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const text = rows.map((row) => columns.map((column) => show(row[column])));
  const widths = columns.map((column, i) => Math.max(column.length, ...text.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  process.stdout.write(
    `\n${title}\n\n${line(columns)}\n| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n${text.map(line).join("\n")}\n`,
  );
}

function show(value: string | number | undefined): string {
  if (typeof value !== "number") return value ?? "";
  return Number.isNaN(value) ? "?" : value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
