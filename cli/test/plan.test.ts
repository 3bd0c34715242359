import path from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { commandReference } from "../src/command-reference.ts";
import { plan } from "../src/commands/plan.ts";
import { captured } from "./captured.ts";

const fixtures = path.join(import.meta.dirname, "fixtures");
const notes = path.resolve(import.meta.dirname, "../../examples/notes");

test("plan says what the operator would make of a manifest, without a cluster", async () => {
  const { terminal, text } = captured();
  expect(await plan({ file: [notes], namespace: "team-a", output: "text" }, terminal)).toBe(0);
  expect(text()).toMatch(/^PlatformService team-a\/notes makes\n/);
  for (const line of [
    /Secret +notes-database +with /,
    /Job +notes-migrate-HASH +migrates schema notes/,
    /HTTPRoute +notes/,
  ])
    expect(text()).toMatch(line);
});

test("plan -o yaml prints objects that a YAML parser reads, without a password", async () => {
  const { terminal, text } = captured();
  expect(await plan({ file: [notes], output: "yaml" }, terminal)).toBe(0);
  const kinds = parseAllDocuments(text()).map((document) => (document.toJS() as { kind: string }).kind);
  expect(kinds).toEqual(
    expect.arrayContaining(["ServiceAccount", "Secret", "Service", "Job", "Deployment", "HTTPRoute"]),
  );
  expect(text()).not.toContain("postgres://");
});

test("plan of a bad manifest says what is wrong with it", async () => {
  const { terminal, text } = captured();
  expect(await plan({ file: [path.join(fixtures, "nowhere.yaml")], output: "text" }, terminal)).toBe(1);
  expect(text()).toContain("there is no such file");
});

test("the reference has every command, with its options", () => {
  const page = commandReference();
  for (const usage of ["check", "events dlq list", "backup <file>", "logs [service]", "completion <shell>"])
    expect(page).toContain(`## \`plinth ${usage}\``);
  expect(page).toContain("| `--wait <duration>` |");
  // The password belongs on no command line.
  expect(page).not.toContain("--password <");
});
