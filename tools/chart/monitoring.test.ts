import { spawnSync } from "node:child_process";
import path from "node:path";
import { createProgram } from "@plinth/cli";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { allMetrics, metricOf } from "../reference/metric-catalogue.ts";
import { metricsReference } from "../reference/metrics.ts";
import { root } from "../run.ts";
import { readRepositoryFile, repositoryFiles } from "../tidy/repository-files.ts";

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

const rulesFile = "charts/plinth/files/monitoring/alerts.yaml";
const rules = (parse(readRepositoryFile(rulesFile)) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readRepositoryFile("charts/plinth/files/monitoring/dashboard.json")) as {
  panels: { title: string; targets: { expr: string; legendFormat?: string }[] }[];
};
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

/** Prometheus or the PodMonitor adds them. */
const addedLabels = ["plinth_dev_service", "le"];

describe("alerts and dashboard", () => {
  const words = new Set(["sum", "max", "rate", "histogram_quantile", "absent", "increase", "or", "by"]);

  /** Names of metrics in PromQL: what is left without labels, groupings, ranges and functions. */
  const metricsOf = (expression: string): string[] =>
    [
      ...expression
        .replace(/\{[^}]*\}/g, " ")
        .replace(/by \([^)]*\)/g, " ")
        .replace(/\[[^\]]*\]/g, " ")
        .matchAll(/[a-z_][a-z0-9_]*/g),
    ].flatMap(([name]) => (words.has(name) ? [] : [name]));

  /** Names of labels: those that are compared, and those that are grouped by. */
  const labelsOf = (expression: string): string[] => [
    ...[...expression.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside = ""]) =>
      [...inside.matchAll(/([a-z_]+)\s*[=!]/g)].map(([, name = ""]) => name),
    ),
    ...[...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, inside = ""]) =>
      inside.split(",").map((name) => name.trim()),
    ),
  ];

  test("use many metrics", () => expect(new Set(expressions.flatMap(metricsOf)).size).toBeGreaterThan(12));

  test.each(expressions)("%s asks for metrics and labels that there are", (expression) => {
    const names = metricsOf(expression);
    expect(names.filter((name) => metricOf(name) === undefined)).toEqual([]);
    const known = new Set([...names.flatMap((name) => metricOf(name)?.labels ?? []), ...addedLabels]);
    expect(labelsOf(expression).filter((label) => !known.has(label))).toEqual([]);
  });

  test("legends and texts name labels that their expressions leave", () => {
    const wrong = [
      ...dashboard.panels.flatMap(({ targets }) =>
        targets.map(({ expr, legendFormat = "" }) => ({ expr, text: legendFormat })),
      ),
      ...rules.map(({ expr, annotations }) => ({ expr, text: JSON.stringify(annotations) })),
    ].flatMap(({ expr, text }) =>
      [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}/g)].flatMap(([, label = ""]) =>
        labelsOf(expr).includes(label) ? [] : [`${label}: ${expr}`],
      ),
    );
    expect(wrong).toEqual([]);
  });
});

describe("docs/runbooks.md", () => {
  const page = readRepositoryFile("docs/runbooks.md");
  const headings = [...page.matchAll(/^## (\w+)$/gm)].map(([, title = ""]) => title);

  test("has a section for every alert, to which the alert leads, and no other", () => {
    expect(headings.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
    for (const { alert, annotations } of rules)
      expect(annotations["runbook_url"]).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
  });

  test.each(headings)("%s says what it means, what it does to people, how to look and what to do", (heading) => {
    const section = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
    for (const part of ["**Means.**", "**Impact.**", "```sh", "**Fix.**"]) expect(section).toContain(part);
  });

  test("names only commands of plinth that there are", () => {
    const program = createProgram({ line() {}, note() {}, tint: (text) => text }, () => {});
    const named = [...page.matchAll(/(?<![\w/-]|-n )plinth ([a-z]+(?: [a-z]+)*)/g)].map(([, words = ""]) => words);
    expect(named.length).toBeGreaterThan(5);
    const unknown = named.filter((words) => {
      let command = program;
      for (const word of words.split(" ")) {
        const next = command.commands.find((each) => each.name() === word);
        if (next === undefined) return command === program || command.commands.length > 0;
        command = next;
      }
      return false;
    });
    expect(unknown).toEqual([]);
  });
});

describe("docs/metrics.md", () => {
  const source = repositoryFiles("{packages,services,operator}/**/src/**/*.ts").map(readRepositoryFile).join("\n");

  test("is what the catalogue says: run `npm run generate`", () => {
    expect(readRepositoryFile("docs/metrics.md")).toBe(metricsReference());
  });

  test("has every metric that the source makes", () => {
    const made = [
      ...source.matchAll(/create(?:Observable)?(?:Counter|Gauge|UpDownCounter|Histogram)\(\s*"([^"]+)"/g),
      ...source.matchAll(/cellHistogram\(\{\s*name: "([^"]+)"/g),
      ...source.matchAll(/\b(?:counter|gauge|seconds)\(\s*"((?:workqueue|controller_runtime)_[^"]+)"/g),
    ].map(([, name = ""]) => name.replaceAll(".", "_"));
    expect(made.length).toBeGreaterThan(30);
    expect(made.filter((name) => !allMetrics.has(name) && !allMetrics.has(`${name}_total`))).toEqual([]);
  });

  test("has no metric that nothing makes", () => {
    const own = [...allMetrics.keys()].filter((name) => !/^(target_info|otel_)/.test(name));
    const nowhere = own.filter((name) => {
      // OpenTelemetry's names have dots where Prometheus has underscores, and no suffix for counters.
      const base = name.replace(/_total$/, "").replaceAll("_", "[._]");
      return !new RegExp(`["']${base}(?:_total)?["']`).test(source);
    });
    expect(nowhere).toEqual([]);
  });
});

const promtool = (...args: string[]) => spawnSync("promtool", args, { cwd: root, encoding: "utf8" });
const why = promtool("--version").error ? "promtool is not there; Debian's package prometheus has it" : undefined;

describe.skipIf(why)(`Prometheus itself${why ? ` (skipped: ${why})` : ""}`, () => {
  test("accepts the rules", () => {
    const { status, stdout, stderr } = promtool("check", "rules", rulesFile);
    expect(status, stdout + stderr).toBe(0);
  });

  test("fires each alert when it should, and none when all is well", () => {
    const file = "tools/chart/testdata/alerts.test.yaml";
    const fired = new Set(
      (
        parse(readRepositoryFile(file)) as { tests: { alert_rule_test: { alertname: string; exp_alerts?: [] }[] }[] }
      ).tests.flatMap(({ alert_rule_test }) =>
        alert_rule_test.flatMap(({ alertname, exp_alerts = [] }) => (exp_alerts.length > 0 ? [alertname] : [])),
      ),
    );
    expect([...fired].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
    const { status, stdout, stderr } = promtool("test", "rules", path.join(root, file));
    expect(status, stdout + stderr).toBe(0);
  });
});
