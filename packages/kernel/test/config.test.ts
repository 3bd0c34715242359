import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bool,
  ConfigError,
  type ConfigSource,
  type ConfigSpec,
  describeConfig,
  durationMs,
  integer,
  list,
  oneOf,
  optionalText,
  parseDurationMs,
  readConfig,
  secret,
  text,
  url,
} from "../src/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

function problemsOf(spec: ConfigSpec, source: ConfigSource): readonly string[] {
  try {
    readConfig(spec, source);
  } catch (err) {
    expect(err).toBeInstanceOf(ConfigError);
    return (err as ConfigError).problems;
  }
  return [];
}

test("reads every kind of value", () => {
  const spec = {
    name: text("NAME", "a name"),
    note: optionalText("NOTE", "a note"),
    port: integer("PORT", "a port", { max: 65_535 }),
    on: bool("ON", "a switch"),
    wait: durationMs("WAIT", "a time"),
    mode: oneOf("MODE", "a mode", ["fast", "safe"]),
    hosts: list("HOSTS", "hosts"),
    target: url("TARGET", "a target", { schemes: ["https"] }),
  };
  const config = readConfig(spec, {
    NAME: "plinth",
    PORT: "65535",
    ON: "1",
    WAIT: "5m",
    MODE: "safe",
    HOSTS: " a, ,b ",
    TARGET: "https://plinth.example/x",
  });
  expect(config).toEqual({
    name: "plinth",
    note: undefined,
    port: 65_535,
    on: true,
    wait: 300_000,
    mode: "safe",
    hosts: ["a", "b"],
    target: "https://plinth.example/x",
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test("defaults hold for absent and for empty keys", () => {
  const spec = {
    port: integer("PORT", "a port", { default: 8080 }),
    wait: durationMs("WAIT", "a time", { default: "250ms" }),
    hosts: list("HOSTS", "hosts", { default: ["x"] }),
  };
  expect(readConfig(spec, { PORT: "", HOSTS: "" })).toEqual({ port: 8080, wait: 250, hosts: ["x"] });
});

test("names all problems at once, each with its key, its value and what is wanted", () => {
  const spec = {
    name: text("NAME", "how the service is called"),
    port: integer("PORT", "a port", { min: 1, max: 10 }),
    ratio: integer("RATIO", "a ratio"),
    on: bool("ON", "a switch"),
    wait: durationMs("WAIT", "a time"),
    pause: durationMs("PAUSE", "another time", { min: "1s" }),
    mode: oneOf("MODE", "a mode", ["fast", "safe"]),
    target: url("TARGET", "a target", { schemes: ["postgres", "postgresql"] }),
    fine: text("FINE", "fine"),
  };
  const source = {
    PORT: "11",
    RATIO: "1.5",
    ON: "yes",
    WAIT: "5 minutes",
    PAUSE: "999ms",
    MODE: "slow",
    TARGET: "http://x",
    FINE: "y",
  };
  expect(problemsOf(spec, source)).toEqual([
    "NAME is required: how the service is called",
    'PORT must be a whole number from 1 to 10 (it is "11")',
    'RATIO must be a whole number from 0 to 9007199254740991 (it is "1.5")',
    'ON must be "true" or "false" (it is "yes")',
    'WAIT must be a duration such as 250ms, 10s, 5m, 1h or 30d (it is "5 minutes")',
    'PAUSE must be at least 1s (it is "999ms")',
    'MODE must be one of fast, safe (it is "slow")',
    'TARGET must be a URL with postgres or postgresql:// (it is "http://x")',
  ]);
});

test("the error's text holds every problem and counts them", () => {
  const one = new ConfigError(["A is required"]);
  const two = new ConfigError(["A is required", "B is required"]);
  expect(one.message).toBe("configuration has 1 problem:\n  A is required");
  expect(two.message).toBe("configuration has 2 problems:\n  A is required\n  B is required");
});

test.each([
  ["250ms", 250],
  ["10s", 10_000],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["30d", 2_592_000_000],
])("%s is %d ms", (value, ms) => expect(parseDurationMs(value)).toBe(ms));

test.each(["", "5", "-5s", "1.5s", "5 s", "s", "5S", "5w", "5s5s"])("%o is no duration", (value) =>
  expect(() => parseDurationMs(value)).toThrow("must be a duration"),
);

describe("secrets", () => {
  const spec = {
    password: secret("PASSWORD", "a password"),
    databaseUrl: { ...url("DATABASE_URL", "where the data is", { schemes: ["postgres"] }), secret: true },
    port: integer("PORT", "a port", { default: 1 }),
  };

  test("are described without their value", () => {
    const config = readConfig(spec, { PASSWORD: "hunter2", DATABASE_URL: "postgres://u:hunter3@h/d" });
    expect(config.password).toBe("hunter2");
    expect(describeConfig(spec, config)).toEqual({ PASSWORD: "(secret)", DATABASE_URL: "(secret)", PORT: 1 });
  });

  test("stand in no URL that is shown", () => {
    const spec = { collector: optionalText("COLLECTOR", ""), more: list("MORE", "") };
    const config = readConfig(spec, { COLLECTOR: "https://u:hunter2@h:4318/a@b", MORE: "https://hunter2@h,plain@h" });
    expect(describeConfig(spec, config)).toEqual({
      COLLECTOR: "https://(secret)@h:4318/a@b",
      MORE: ["https://(secret)@h", "plain@h"],
    });
  });

  test("are not in the message about them", () => {
    const problems = problemsOf(spec, { PASSWORD: "hunter2", DATABASE_URL: "mysql://u:hunter3@h/d" });
    expect(problems).toEqual(["DATABASE_URL must be a URL with postgres://"]);
  });

  test("come from the file that KEY_FILE names; the key itself wins", async () => {
    const file = path.join(folder, "password");
    await writeFile(file, "from-file\n");
    const rest = { DATABASE_URL: "postgres://h/d", PASSWORD_FILE: file };
    expect(readConfig(spec, rest).password).toBe("from-file");
    expect(readConfig(spec, { ...rest, PASSWORD: "direct" }).password).toBe("direct");
  });

  test("a file that is not there is a problem like any other", () => {
    const source = { DATABASE_URL: "nonsense", PASSWORD_FILE: path.join(folder, "absent") };
    expect(problemsOf(spec, source)).toEqual([
      expect.stringMatching(/^PASSWORD cannot be read from the file in PASSWORD_FILE: ENOENT/),
      "DATABASE_URL must be a URL",
    ]);
  });

  test("only secrets are read from files", () => {
    expect(problemsOf({ name: text("NAME", "a name") }, { NAME_FILE: "/dev/null" })).toEqual([
      "NAME is required: a name",
    ]);
  });
});
