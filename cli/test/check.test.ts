import { readFile } from "node:fs/promises";
import path from "node:path";
import { createFakeClock } from "@plinth/testing";
import { describe, expect, test } from "vitest";
import { type Check, type CheckResult, hasFailed, runChecks } from "../src/checks/check.ts";
import { skewFinding } from "../src/checks/clock-skew.ts";
import { clusterChecks } from "../src/checks/cluster/cluster-checks.ts";
import { diskFinding } from "../src/checks/disk.ts";
import { localChecks } from "../src/checks/local/local-checks.ts";
import { machineChecks } from "../src/checks/machine.ts";
import { createReport, jsonReport, verdict } from "../src/checks/report.ts";
import { createTerminal } from "../src/terminal.ts";

const root = path.resolve(import.meta.dirname, "../..");
const clock = createFakeClock();
const check = (name: string, run: Check<object>["run"], needs: string[] = []): Check<object> => ({
  ...{ category: "things", name, anchor: name, hint: `mend ${name}`, needs, run },
});

describe("checks", () => {
  test("are left out when what they need failed or is not there, and go on when it only warned", async () => {
    const results = await runChecks(
      [
        check("broken", async () => ({ status: "failed", message: "is broken" })),
        check("after broken", async () => ({ status: "ok", message: "ran" }), ["broken"]),
        check("after that", async () => ({ status: "ok", message: "ran" }), ["after broken"]),
        check("absent", async () => ({ status: "skipped", message: "is not there" })),
        check("after absent", async () => ({ status: "ok", message: "ran" }), ["absent"]),
        check("weak", async () => ({ status: "warning", message: "is weak", hint: "strengthen it" })),
        check("after weak", async () => ({ status: "ok", message: "ran" }), ["weak"]),
      ],
      {},
      { clock },
    );
    expect(results.map(({ name, status, hint }) => [name, status, hint])).toEqual([
      ["broken", "failed", "mend broken"],
      ["after broken", "skipped", ""],
      ["after that", "skipped", ""],
      ["absent", "skipped", ""],
      ["after absent", "skipped", ""],
      ["weak", "warning", "strengthen it"],
      ["after weak", "ok", ""],
    ]);
    expect(hasFailed(results)).toBe(true);
  });

  test("that throw have failed, with the causes of the error", async () => {
    const refused = new AggregateError([new Error("connect ECONNREFUSED 127.0.0.1:1")]);
    const thrower = check("thrower", async () => {
      throw new Error("fetch failed", { cause: refused });
    });
    const [result] = await runChecks([thrower], {}, { clock });
    expect(result).toMatchObject({ status: "failed", message: "fetch failed: connect ECONNREFUSED 127.0.0.1:1" });
  });

  test("that never answer have failed after 20 s", async () => {
    const fake = createFakeClock();
    const running = runChecks([check("silent", () => new Promise(() => {}))], {}, { clock: fake });
    fake.advance(20_000);
    expect((await running)[0]).toMatchObject({ status: "failed", message: "no answer within 20 s" });
  });
});

describe("what is shown", () => {
  const results: CheckResult[] = [
    { category: "a", name: "one", status: "ok", message: "is fine", hint: "", anchor: "x-one" },
    { category: "a", name: "two", status: "failed", message: "is not\nat all", hint: "mend it", anchor: "x-two" },
    { category: "b", name: "three", status: "warning", message: "is weak", hint: "look at it", anchor: "x-three" },
    { category: "b", name: "four", status: "skipped", message: "needs: two", hint: "", anchor: "x-four" },
  ];

  test("for a person: one line each, with what to do and where it is explained", () => {
    let text = "";
    const terminal = createTerminal({ out: (part) => (text += part), err: () => {}, colours: false });
    results.forEach(createReport(terminal));
    expect(text).toBe(
      [
        ...["a", "-", "√ one: is fine", "× two: is not", "    at all", "    mend it"],
        ...["    see docs/troubleshooting.md#x-two", "", "b", "-", "‼ three: is weak", "    look at it"],
        ...["    see docs/troubleshooting.md#x-three", "– four: needs: two", ""],
      ].join("\n"),
    );
    expect(verdict(results, "all works")).toBe("1 of 4 checks failed, 1 to look at");
    expect(verdict(results.slice(0, 1), "all works")).toBe("all works");
  });

  test("for programs: the schema that docs/troubleshooting.md states", async () => {
    const { ok, checks } = JSON.parse(jsonReport(results));
    expect(ok).toBe(false);
    expect(checks).toEqual(results);
    const fields = Object.keys(results[0] ?? {}).toSorted();
    const page = await readFile(path.join(root, "docs/troubleshooting.md"), "utf8");
    const stated = /"checks": \[\{([^}]*)\}\]/.exec(page)?.[1]?.match(/\w+/g);
    expect(stated?.toSorted()).toEqual(fields);
  });
});

describe("docs/troubleshooting.md", () => {
  const all = [...machineChecks, ...localChecks, ...clusterChecks] as readonly Check<never>[];

  /** Texts below the headings, by anchor. */
  async function sections(): Promise<Map<string, string>> {
    const page = await readFile(path.join(root, "docs/troubleshooting.md"), "utf8");
    return new Map(
      [...page.matchAll(/^### (.+)\n([\s\S]*?)(?=^##|(?![\s\S]))/gm)].map(([, title = "", text = ""]) => [
        title.toLowerCase().replaceAll(" ", "-"),
        text,
      ]),
    );
  }

  test("explains every check: symptom, cause and fix", async () => {
    const known = await sections();
    expect(all.length).toBeGreaterThan(30);
    const unexplained = all.filter(({ anchor }) => {
      const text = known.get(anchor) ?? "";
      return !["Symptom", "Cause", "fix"].every((word) => text.toLowerCase().includes(word.toLowerCase()));
    });
    expect(unexplained.map(({ name, anchor }) => `${name}: ${anchor}`)).toEqual([]);
  });

  test("has no part for a check that is gone", async () => {
    const anchors = new Set(all.map(({ anchor }) => anchor));
    expect([...(await sections()).keys()].filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });

  test("and every check has a hint, a name of its own, and needs what comes before it", () => {
    for (const list of [machineChecks, localChecks, clusterChecks] as readonly (readonly Check<never>[])[]) {
      const before: string[] = [];
      for (const { name, hint, needs = [] } of list) {
        expect(hint).not.toBe("");
        expect(before).not.toContain(name);
        for (const needed of needs) expect(before).toContain(needed);
        before.push(name);
      }
    }
  });
});

test.each([
  [0, 0, "ok", "agree on the time"],
  [9_000, 1_000, "warning", "8 s ahead of"],
  [-61_000, 0, "failed", "61 s behind"],
])("a clock that tells %i between 0 and %i is %s", (told, after, status, text) => {
  const finding = skewFinding(told, [0, after], "the platform");
  expect(finding.status).toBe(status);
  expect(finding.message).toContain(text);
});

test.each([
  [10, "failed", "the disk is full: 0.0 GiB free for /data"],
  [150_000, "warning", "0.6 GiB free"],
  [1_000_000, "ok", "3.8 GiB free"],
])("%i free blocks of 4 KiB are %s", (bavail, status, text) => {
  const finding = diskFinding({ bavail, bsize: 4096 }, "/data");
  expect(finding.status).toBe(status);
  expect(finding.message).toContain(text);
});
