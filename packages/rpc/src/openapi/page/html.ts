import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Text that is HTML already. Only `html` makes it: whatever else stands in a template is escaped. */
export interface Html {
  readonly markup: string;
}

type Part = Html | string | number | undefined | false | readonly Part[];

export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  markup: strings.reduce((text, string, i) => text + render(parts[i - 1]) + string),
});

function render(part: Part): string {
  if (part === undefined || part === false) return "";
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return "markup" in part ? part.markup : part.map(render).join("");
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** For text and for attributes in quotes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] as string);

/** Paragraphs, lists of lines that begin with a dash, and code between backticks: the Markdown of comments. */
export function markdown(text: string): Html {
  const blocks = text.split(/\n{2,}/).map((block): Html => {
    const lines = block.split("\n");
    if (!lines.every((line) => line.startsWith("- "))) return html`<p>${inline(block)}</p>`;
    return html`<ul>${lines.map((line) => html`<li>${inline(line.slice(2))}</li>`)}</ul>`;
  });
  return html`${blocks}`;
}

const inline = (text: string): Part =>
  text.split(/`([^`]*)`/).map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));

/** Parts of a document that others may have written: what has another form than expected counts as not there. */
export const objectAt = (value: JsonValue | undefined): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
export const listAt = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : []);
export const textAt = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");
