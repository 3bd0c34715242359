import { containerProblem, type Environment } from "./container-engine.ts";

/** A server that tests share. */
export interface StartedServer {
  url: string;
  stop(): Promise<void>;
}

/** The same with how it came to be. */
export interface TestServer extends StartedServer {
  way: "container" | "local";
}

export interface EitherWayOptions {
  image: string;
  env: Environment;
  container(): Promise<StartedServer>;
  local(): Promise<StartedServer>;
}

/**
 * Whether a server is a container of its production image or a process from this machine. PLINTH_TEST_CONTAINERS=1 demands
 * containers, fetching what is missing; 0 forbids them; without it they are taken where an engine has the image.
 */
export async function chooseWay(image: string, env: Environment): Promise<TestServer["way"]> {
  const wanted = env["PLINTH_TEST_CONTAINERS"] ?? "";
  if (wanted === "1") return "container";
  if (wanted === "0") return "local";
  if (wanted !== "") throw new Error(`PLINTH_TEST_CONTAINERS is ${wanted}: it must be 1, 0 or absent`);
  return (await containerProblem(image, env)) === undefined ? "container" : "local";
}

/** Starts a server in the way that is chosen. What fails is not tried in the other way: nobody would notice. */
export async function startEitherWay({ image, env, container, local }: EitherWayOptions): Promise<TestServer> {
  const way = await chooseWay(image, env);
  if (way === "local") return { ...(await local()), way };
  try {
    return { ...(await container()), way };
  } catch (cause) {
    throw new Error(`${image} did not start as a container; PLINTH_TEST_CONTAINERS=0 takes this machine's own server`, {
      cause,
    });
  }
}
