import { randomBytes } from "node:crypto";
import type { Environment } from "../servers/container-engine.ts";
import { type StartedServer, startEitherWay, type TestServer } from "../servers/either-way.ts";
import { images } from "../servers/images.ts";
import { startContainer } from "../servers/start-container.ts";
import { quickSettings, startPostgres, untilAnswering } from "./start-postgres.ts";

/** A throw-away PostgreSQL in one of the two ways; the URL is the superuser's. */
export const startTestPostgres = (env: Environment): Promise<TestServer> =>
  startEitherWay({ image: images.postgres, env, container: () => inContainer(env), local: startPostgres });

async function inContainer(env: Environment): Promise<StartedServer> {
  const password = randomBytes(16).toString("hex");
  const { host, port, stop } = await startContainer({
    ...{ image: images.postgres, port: 5432, ready: /init process complete/, env },
    command: ["postgres", ...quickSettings],
    environment: { POSTGRES_PASSWORD: password },
  });
  const url = `postgres://postgres:${password}@${host}:${port}/postgres`;
  // The server starts once more after its set-up.
  await untilAnswering(url, () => undefined);
  return { url, stop };
}
