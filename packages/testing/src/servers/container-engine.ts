import { request } from "node:http";

export type Environment = Readonly<Record<string, string | undefined>>;

/** An engine that is busy is not taken for one that is away: whether tests run depends on it, and it is asked more than once. */
const answerTimeoutMs = 30_000;

/** Why no container of this image can be started without fetching anything; undefined when one can. */
export async function containerProblem(image: string, env: Environment): Promise<string | undefined> {
  const host = env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  try {
    const status = await statusOf(host, `/images/${image}/json`);
    if (status === 200) return undefined;
    return status === 404
      ? `the container engine has no image ${image}: docker pull ${image}`
      : `the container engine at ${host} answered ${status}`;
  } catch (err) {
    return `no container engine answers at ${host} (${(err as Error).message})`;
  }
}

/** Whether the engine has the image that removes containers of runs that were killed. */
export async function hasReaper(env: Environment): Promise<boolean> {
  const host = env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  const filters = encodeURIComponent(JSON.stringify({ reference: ["testcontainers/ryuk"] }));
  return (await answerOf(host, `/images/json?filters=${filters}`)).body.trim() !== "[]";
}

const statusOf = async (host: string, path: string): Promise<number> => (await answerOf(host, path)).status;

/** One question to the engine's API, over its socket or plain TCP. */
function answerOf(host: string, path: string): Promise<{ status: number; body: string }> {
  const url = new URL(host);
  if (!["unix:", "tcp:", "http:"].includes(url.protocol)) throw new Error(`${url.protocol} is not asked`);
  const where =
    url.protocol === "unix:" ? { socketPath: url.pathname } : { host: url.hostname, port: Number(url.port || 2375) };
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path, timeout: answerTimeoutMs }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${answerTimeoutMs / 1000} s`)));
    asked.on("error", reject);
    asked.end();
  });
}
