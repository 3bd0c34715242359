import type { WrittenSpan } from "@plinth/kernel";
import { expect, test } from "vitest";
import { parseLogLine } from "../src/local/log-line.ts";
import { drawSummaries, drawTrace } from "../src/trace/draw-trace.ts";
import { createTrace, failureOf, summariesOf } from "../src/trace/span-tree.ts";

const start = Date.UTC(2026, 10, 26, 12);

const span = (
  id: string,
  parent: string | undefined,
  service: string,
  more: Partial<WrittenSpan> = {},
): WrittenSpan => ({
  trace: "t1",
  span: id,
  ...(parent === undefined ? {} : { parent }),
  ...{ service, instance: `${service}-0`, name: id, kind: "internal", startMs: start, durationMs: 1, attributes: {} },
  ...more,
});

const request = [
  span("commit", "create", "identity", { startMs: start + 8, durationMs: 3.4 }),
  span("create", "edge", "identity", { startMs: start + 2, durationMs: 20 }),
  span("edge", "the caller's own", "gateway", {
    ...{ name: "POST identity/0", durationMs: 120.04, error: "" },
    attributes: {
      "http.request.method": "POST",
      "url.path": "/x.Y/Z",
      "http.response.status_code": 503,
      "plinth.request_id": "r1",
    },
  }),
  span("check", "create", "identity", { startMs: start + 3, kind: "client", attributes: { "rpc.method": "check" } }),
  span("process", "create", "audit", { startMs: start + 90, links: [{ trace: "t2", span: "shared" }] }),
];

const plain = (text: string): string => text;

test("steps stand below what caused them, by their beginnings, with their times, failures and log lines", () => {
  const line = JSON.stringify({
    ...{ level: "warn", time: new Date(start).toISOString(), service: "identity", msg: "slow", rows: 3 },
    ...{ request_id: "r1", trace_id: "t1", span_id: "create" },
  });
  const others = [
    span("shared", undefined, "audit", { trace: "t2" }),
    span("insert", "shared", "audit", { trace: "t2", startMs: start + 91 }),
  ];
  const lines = [{ service: "identity", line: parseLogLine(line) }];
  const time = new Date(start).toTimeString().slice(0, 8);
  expect(drawTrace(createTrace("t1", request, others, lines), plain)).toEqual([
    "trace t1  request r1  2026-11-26T12:00:00.000Z",
    "",
    "   begin      took service   step (times in ms)",
    "      +0       120 gateway   POST identity/0  503 /x.Y/Z  ! 503",
    "      +2      20.0 identity  └─ create",
    `                   identity     │ ${time} warn  slow rows=3`,
    "      +3       1.0 identity     ├─ check  (call)",
    "      +8       3.4 identity     ├─ commit",
    "     +90       1.0 audit        └─ process",
    "     +91       1.0 audit           └─ insert",
  ]);
});

test("a list tells what was asked, how long it took, how it ended, and the id to ask for", () => {
  const other = span("list", undefined, "gateway", { trace: "t3", startMs: start + 500, durationMs: 7 });
  const summaries = summariesOf([...request, other]);
  expect(summaries).toMatchObject([
    { trace: "t1", requestId: "r1", name: "POST /x.Y/Z", failure: "503", services: ["gateway", "identity", "audit"] },
    { trace: "t3", requestId: "", name: "list", failure: "", durationMs: 7 },
  ]);
  const time = new Date(start).toTimeString().slice(0, 8);
  expect(drawSummaries(summaries)).toEqual([
    `${time} 120 ms  r1  gateway POST /x.Y/Z (3 services)  ! 503`,
    `${time} 7.0 ms  t3  gateway list`,
  ]);
});

test.each([
  [{}, ""],
  [{ error: "unavailable: gone" }, "unavailable: gone"],
  [{ error: "" }, "failed"],
  [
    { attributes: { "rpc.response.status_code": "not_found", "error.type": "USER_NOT_FOUND" } },
    "not_found USER_NOT_FOUND",
  ],
  [{ attributes: { "http.response.status_code": 200 } }, ""],
  [{ attributes: { "http.response.status_code": 401, "error.type": "TOKEN_MISSING" } }, "401 TOKEN_MISSING"],
])("%j is told as %j", (more, failure) => expect(failureOf(span("a", undefined, "x", more))).toBe(failure));
