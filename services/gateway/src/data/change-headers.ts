import type { HeaderChanges } from "./route.ts";

/** Carries changes out on a list of name and value in turn, names in lower case. The list itself is changed. */
export function changeHeaders(list: string[], { set, add, remove }: HeaderChanges): void {
  if (set.length > 0 || remove.length > 0) {
    const gone = new Set([...remove, ...set.map(({ name }) => name)]);
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (gone.has(list[i] as string)) continue;
      list[kept] = list[i] as string;
      list[kept + 1] = list[i + 1] as string;
      kept += 2;
    }
    list.length = kept;
  }
  for (const { name, value } of set) list.push(name, value);
  for (const { name, value } of add) append(list, name, value);
}

/** To the last value of that name, so that the order of values is the order in which they came. */
function append(list: string[], name: string, value: string): void {
  for (let i = list.length - 2; i >= 0; i -= 2) {
    if (list[i] !== name || name === "set-cookie") continue;
    list[i + 1] = `${list[i + 1]},${value}`;
    return;
  }
  list.push(name, value);
}
