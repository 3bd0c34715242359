import { type Environment, hasReaper } from "./container-engine.ts";

export interface ContainerOptions {
  image: string;
  /** The server's port, published on a free one; with `samePort` on the same one of this machine. */
  port: number;
  samePort?: boolean;
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

/** Starts a container and waits until its port is open; it is removed on stop. */
export async function startContainer(options: ContainerOptions): Promise<StartedContainer> {
  const { image, port, samePort = false, command = [], environment = {}, env } = options;
  // Nothing is fetched unless it was demanded, the helper that removes what killed runs leave behind included.
  if (env["PLINTH_TEST_CONTAINERS"] !== "1" && !(await hasReaper(env)))
    process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true";
  // Loaded when it is used: it takes longer to load than a local server to start.
  const { GenericContainer } = await import("testcontainers");
  const container = new GenericContainer(image)
    .withExposedPorts(samePort ? { container: port, host: port } : port)
    .withEnvironment(environment)
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
