/** A longer pair of texts is shown whole, old then new: comparing takes time and memory of their product. */
const cellsMax = 4_000_000;

/** What has to change in one text to get the other: lines with "  ", "- " or "+ "; empty when they are equal. */
export function lineDiff(before: string, after: string, contextLines = 2): string[] {
  if (before === after) return [];
  const [old, young] = [lines(before), lines(after)];
  const all = old.length * young.length > cellsMax ? replaced(old, young) : compare(old, young);
  const shown = all.map((_, at) =>
    all.slice(Math.max(0, at - contextLines), at + contextLines + 1).some((line) => !line.startsWith("  ")),
  );
  return all.flatMap((line, at) => {
    if (shown[at]) return [line];
    return at > 0 && shown[at - 1] ? ["  ..."] : [];
  });
}

const lines = (text: string): string[] => (text === "" ? [] : text.trimEnd().split("\n"));

const replaced = (old: readonly string[], young: readonly string[]): string[] => [
  ...old.map((line) => `- ${line}`),
  ...young.map((line) => `+ ${line}`),
];

/** By the longest common subsequence. */
function compare(old: readonly string[], young: readonly string[]): string[] {
  const width = young.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = young.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === young[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const result: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < young.length) {
    if (i < old.length && j < young.length && old[i] === young[j]) {
      result.push(`  ${old[i++]}`);
      j++;
    } else if (i < old.length && (j === young.length || at(i + 1, j) >= at(i, j + 1))) result.push(`- ${old[i++]}`);
    else result.push(`+ ${young[j++]}`);
  }
  return result;
}
