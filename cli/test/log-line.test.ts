import { expect, test } from "vitest";
import { createLineSplitter } from "../src/local/line-splitter.ts";
import { formatLogLine, parseLogLine } from "../src/local/log-line.ts";

const format = (raw: string) => formatLogLine(parseLogLine(raw));

test("a JSON line becomes time, level, message and fields", () => {
  const time = new Date(2026, 0, 2, 12, 0, 1).toISOString();
  const raw = JSON.stringify({
    level: "info",
    time,
    service: "identity",
    startedInMs: 210,
    path: "a b",
    trace_id: "x",
    msg: "started",
  });
  expect(format(raw)).toEqual(['12:00:01 info  started startedInMs=210 path="a b"']);
});

test("an error shows the messages of its causes and where it was thrown", () => {
  const err = {
    message: "outer",
    cause: { message: "inner" },
    stack: "Error: outer\n    at a (x.js:1:1)\n    at b (x.js:2:1)",
  };
  expect(format(JSON.stringify({ level: "error", msg: "failed", err }))).toEqual([
    'error failed err="outer: inner"',
    "    at a (x.js:1:1)",
    "    at b (x.js:2:1)",
  ]);
});

test("an error of another language, whose stack is a list, is shown without it", () => {
  const raw = JSON.stringify({ level: "error", msg: "failed", err: { message: "no", stack: ["a", "b"] } });
  expect(formatLogLine(parseLogLine(raw))).toEqual(["error failed err=no"]);
});

test.each(["plain text", "{not json", "[1]", "null"])("%j is shown as it is", (raw) => {
  expect(format(raw)).toEqual([raw]);
});

test("lines are put together from chunks, also in the middle of a character", () => {
  const splitter = createLineSplitter();
  const bytes = Buffer.from("one\r\ntwö\nthr");
  expect([...splitter.lines(bytes.subarray(0, 8)), ...splitter.lines(bytes.subarray(8))]).toEqual(["one", "twö"]);
  expect(splitter.rest()).toEqual(["thr"]);
});
