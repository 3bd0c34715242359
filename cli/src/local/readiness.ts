import { request } from "node:http";

export interface ReadyAnswer {
  ready: boolean;
  /** Why not, one entry per failing check; for a person. */
  problems: string[];
  /** Nothing came in time: it may only be slow. */
  late: boolean;
}

const probeTimeoutMs = 1_000;
const answerMaxBytes = 65_536;

/** Asks a service whether it is ready. Never rejects: no answer is an answer, too. */
export function probeReadiness(port: number, path: string): Promise<ReadyAnswer> {
  return new Promise((resolve) => {
    const unanswered = (problem: string, late: boolean) => resolve({ ready: false, problems: [problem], late });
    const probe = request({ host: "127.0.0.1", port, path, agent: false, timeout: probeTimeoutMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body = (body + text).slice(0, answerMaxBytes);
      });
      // Once an answer has begun, whatever cuts it short is told here only.
      response.on("error", (err) => unanswered(`${path}: ${err.message}`, late));
      response.on("end", () => {
        const ready = response.statusCode === 200;
        resolve({ ready, problems: ready ? [] : problemsOf(body, response.statusCode ?? 0), late: false });
      });
    });
    let late = false;
    probe.on("timeout", () => {
      late = true;
      probe.destroy(new Error(`no answer within ${probeTimeoutMs} ms`));
    });
    probe.on("error", (err: NodeJS.ErrnoException) => {
      const refused = err.code === "ECONNREFUSED";
      unanswered(refused ? `does not listen on port ${port} yet` : `${path}: ${err.message}`, late);
    });
    probe.end();
  });
}

/** `{"problems":[{"name","problem"}]}` as @plinth/kernel answers; other programs may answer with any text. */
function problemsOf(body: string, status: number): string[] {
  try {
    const { problems } = JSON.parse(body) as { problems: { name: string; problem: string }[] };
    return problems.map(({ name, problem }) => `${name}: ${problem}`);
  } catch {
    return [`answers ${status}: ${body.trim().slice(0, 200)}`];
  }
}
