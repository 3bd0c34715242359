import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { type Clock, type Random, systemRandom } from "@plinth/kernel";
import { freePort } from "../free-port.ts";
import type { LocalServer } from "../local-server.ts";
import { startServerProcess } from "../server-process.ts";
import { findRedis } from "./find-redis.ts";

export interface LocalRedisOptions {
  /** Its own. The password is kept there: a restart on the same folder and port answers to the same URL. */
  directory: string;
  clock: Clock;
  /** Default: a free one. */
  port?: number;
  random?: Random;
  /** Where the binary is looked for; default: the process's own. */
  environment?: Readonly<Record<string, string | undefined>>;
}

export interface LocalRedis extends LocalServer {
  /** redis://:password@127.0.0.1:port */
  readonly url: string;
}

const startTimeoutMs = 30_000;
const stopTimeoutMs = 10_000;
/** Somebody else may take the free port before the server does. */
const portAttemptsMax = 3;
const memoryBytesMax = 256 * 1024 * 1024;

/** Starts a Redis or Valkey on loopback, with a password and without persistence. Throws with what to install when there is none. */
export async function startRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  const command = findRedis(options.environment ?? process.env);
  const { directory, clock } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const password = await passwordOf(directory, options.random ?? systemRandom);
  const configuration = path.join(directory, "redis.conf");
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    await writeFile(configuration, configurationOf({ directory, port, password }), { mode: 0o600 });
    try {
      const server = await startServerProcess({
        name: "redis",
        command,
        args: [configuration],
        directory,
        address: `127.0.0.1:${port}`,
        isReady: () => answers(port, password),
        ...{ startTimeoutMs, stopTimeoutMs, clock },
      });
      return { ...server, url: `redis://:${password}@127.0.0.1:${port}` };
    } catch (err) {
      if (options.port !== undefined || attempt === portAttemptsMax) throw err;
    }
  }
}

/** In a file and not on the command line, which everybody on the machine can read. */
const configurationOf = ({ directory, port, password }: { directory: string; port: number; password: string }) =>
  [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${directory}"`,
    'save ""',
    "appendonly no",
    `maxmemory ${memoryBytesMax}`,
    // Everything that Plinth keeps there has a time to live.
    "maxmemory-policy volatile-ttl",
    "",
  ].join("\n");

async function passwordOf(directory: string, random: Random): Promise<string> {
  const file = path.join(directory, "password");
  const known = await readFile(file, "utf8").catch(() => undefined);
  if (known !== undefined) return known.trim();
  const password = Buffer.from(random.bytes(24)).toString("hex");
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** Whether the server takes the password and answers a PING (inline commands of RESP). */
function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    const end = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (answer === "+OK\r\n+PONG\r\n") end(true);
      else if (answer.includes("-")) end(false);
    });
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
  });
}
