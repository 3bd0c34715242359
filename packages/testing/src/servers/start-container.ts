import { type Environment, hasReaper } from "./container-engine.ts";

export interface ContainerOptions {
  image: string;
  /** The server's port, published on a free one; with `samePort` on the same one of this machine. */
  port: number;
  samePort?: boolean;
  /** A line of its log that says that it serves. An open port says nothing: the engine's proxy opens it. */
  ready: RegExp;
  command?: string[];
  environment?: Record<string, string>;
  env: Environment;
}

export interface StartedContainer {
  host: string;
  port: number;
  stop(): Promise<void>;
}

const startTimeoutMs = 120_000;

/** Starts a container and waits until it says that it serves; it is removed on stop. */
export async function startContainer(options: ContainerOptions): Promise<StartedContainer> {
  const { image, port, samePort = false, ready, command = [], environment = {}, env } = options;
  // Nothing is fetched unless it was demanded, the helper that removes what killed runs leave behind included.
  if (env["PLINTH_TEST_CONTAINERS"] !== "1" && !(await hasReaper(env)))
    process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true";
  // Loaded when it is used: it takes longer to load than a local server to start.
  const { GenericContainer, Wait } = await import("testcontainers");
  const container = new GenericContainer(image)
    .withExposedPorts(samePort ? { container: port, host: port } : port)
    .withEnvironment(environment)
    .withWaitStrategy(Wait.forLogMessage(ready))
    .withStartupTimeout(startTimeoutMs);
  const started = await (command.length > 0 ? container.withCommand(command) : container).start();
  return {
    host: started.getHost(),
    port: started.getMappedPort(port),
    stop: async () => {
      await started.stop();
    },
  };
}
